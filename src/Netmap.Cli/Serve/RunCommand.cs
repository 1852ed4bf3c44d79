using System.CommandLine;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Netmap.Server;

namespace Netmap.Cli.Serve;

/// <summary><c>netmap run -- PROGRAM</c>: one program written for netmap, and its children, on an engine of their own.</summary>
internal static class RunCommand
{
    private static string Shim => Path.Combine(AppContext.BaseDirectory, "netmap-preload.so");

    public static Command Create()
    {
        Argument<string[]> program = new("program") { Description = "the program and its arguments, after --", Arity = ArgumentArity.OneOrMore };
        Option<string?> host = new("--host") { Description = "use the server there instead of an engine of its own" };
        Option<string[]> set = ServeOptions.Set();
        Option<bool> verbose = new("-v") { Description = "tell on standard error what the program opens, and why it is refused something" };
        Command command = new("run", "Run a program written for netmap in C, unmodified.") { program, host, set, verbose };
        command.SetAction(parsed =>
        {
            string[] words = parsed.GetRequiredValue(program);
            if (parsed.GetValue(host) is { } there)
                return HostedProgram.Run(words, there, Shim);
            using ILoggerFactory loggers = LoggerFactory.Create(log => Configure(log, parsed.GetValue(verbose)));
            using NetmapEngine engine = ServeOptions.Engine(parsed.GetValue(set));
            using NetmapServer server = new(engine, new()
            {
                // Children that outlive this command reach whatever listens there then: no other user may have known the name before.
                Host = $"@netmap-run-{RandomNumberGenerator.GetHexString(32, lowercase: true)}",
                FilesPerUser = int.MaxValue,
                SessionsPerUser = int.MaxValue,
                DescriptorsPerUser = int.MaxValue,
                ThreadsPerUser = int.MaxValue,
                RingsPerUser = int.MaxValue,
                MemoryPerUser = long.MaxValue,
                TrustsClients = true,
            }, loggers);
            return HostedProgram.Run(words, server.Options.Host, Shim);
        });
        return command;
    }

    /// <summary>Standard output is the program's.</summary>
    private static void Configure(ILoggingBuilder log, bool verbose)
    {
        if (verbose)
            log.AddSimpleConsole(console => console.SingleLine = true).AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
