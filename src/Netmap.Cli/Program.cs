using Netmap.Cli.Common;

return await Tool.RunAsync(args);
