using System.CommandLine;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Netmap.Cli.Common;
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
        Option<string?> share = new("--share")
        {
            HelpName = "LIST",
            Description = "with --host: let these users open the program's ports, in your memory: alice+%capture",
        };
        Option<string?> owner = new("--owner")
        {
            HelpName = "USER",
            Description = "with --host: let the program use ports of this user, who shares them, in that user's memory",
        };
        Option<bool> verbose = new("-v") { Description = "tell on standard error what the program opens, and why it is refused something" };
        Command command = new("run", "Run a program written for netmap in C, unmodified.") { program, host, share, owner, set, verbose };
        command.SetAction(parsed =>
        {
            string[] words = parsed.GetRequiredValue(program);
            // For the shim: it says by itself why it refuses a server.
            if (parsed.GetValue(verbose))
                Environment.SetEnvironmentVariable("NETMAP_VERBOSE", "1");
            if (parsed.GetValue(host) is { } there)
                return HostedProgram.Run(words, there, Shim, new HostedSharing(parsed.GetValue(share), parsed.GetValue(owner)));
            if (parsed.GetValue(share) is not null || parsed.GetValue(owner) is not null)
                throw new UsageException("--share and --owner are for a server that several users have: add --host");
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
                MemoriesPerUser = int.MaxValue,
                SwitchesPerUser = int.MaxValue,
                PortsPerUser = int.MaxValue,
                AttachmentsPerUser = int.MaxValue,
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
