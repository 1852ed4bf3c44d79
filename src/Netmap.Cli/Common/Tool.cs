using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Netmap.Cli.Bench;
using Netmap.Cli.Bridge;
using Netmap.Cli.Demo;
using Netmap.Cli.Info;
using Netmap.Cli.LoadBalancer;
using Netmap.Cli.PktGen;
using Netmap.Cli.Probe;
using Netmap.Cli.Serve;
using Netmap.Cli.ValeCtl;

namespace Netmap.Cli.Common;

/// <summary>The table of commands, and what becomes of errors: one line on stderr, never a stack trace.</summary>
internal static class Tool
{
    private static readonly Func<Command>[] s_commands =
    [
        PktGenCommand.Create,
        BridgeCommand.Create,
        LbCommand.Create,
        InfoCommand.Create,
        ProbeCommand.Create,
        DemoCommand.Create,
        RunCommand.Create,
        DaemonCommand.Create,
        ParamCommand.Create,
        BenchCommand.Create,
        ValeCtlCommand.Create,
    ];

    public static async Task<int> RunAsync(string[] args)
    {
        StandardOutput.Use();
        Command root = new("netmap", "netmap for .NET: packet I/O through rings of shared memory on unmodified Linux interfaces.")
        {
            new HelpOption(),
            new VersionOption(),
        };
        foreach (Func<Command> create in s_commands)
            root.Subcommands.Add(create());
        // @name is a server's address, not a file of arguments.
        ParseResult parsed = root.Parse(args.Length > 0 ? args : ["--help"], new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
        {
            string command = parsed.CommandResult.Command == root ? "" : parsed.CommandResult.Command.Name + " ";
            Complain($"{Problem(parsed)} (see netmap {command}--help)");
            return ExitCode.Usage;
        }
        try
        {
            int code = await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
            return args.Length > 0 ? code : ExitCode.Usage;
        }
        catch (Exception e) when (Environment.GetEnvironmentVariable("NETMAP_DEBUG") is null)
        {
            return Report(e);
        }
    }

    /// <summary>One line for whatever went wrong; NETMAP_DEBUG=1 lets the whole of it through.</summary>
    private static int Report(Exception e)
    {
        Exception cause = e is AggregateException { InnerException: { } inner } ? inner : e;
        string line = cause.Message.ReplaceLineEndings(" ");
        Complain(cause is IOException or UsageException
            ? line
            : $"internal error: {line} ({cause.GetType().Name}; NETMAP_DEBUG=1 shows more)");
        return cause is UsageException ? ExitCode.Usage : ExitCode.Failure;
    }

    private static void Complain(string line)
    {
        try
        {
            Console.Error.WriteLine($"netmap: {line}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Standard error is closed: the exit code is left.
        }
    }

    private static string Problem(ParseResult parsed)
    {
        if (parsed.UnmatchedTokens.Count > 0)
            return $"'{parsed.UnmatchedTokens[0]}' is unknown";
        ParseError error = parsed.Errors[0];
        // The parser speaks of types of .NET.
        return error.SymbolResult is OptionResult { Option: var option, Tokens: [var token] } && error.Message.Contains("System.", StringComparison.Ordinal)
            ? $"{option.Name} {token.Value} is not a number"
            : error.Message;
    }
}

/// <summary>Exit codes for scripts.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The work could not be done, or not all of it.</summary>
    public const int Failure = 1;

    /// <summary>The command line makes no sense.</summary>
    public const int Usage = 2;

    /// <summary>Ended by Ctrl-C before a requested count was reached: 128 + SIGINT.</summary>
    public const int Interrupted = 130;

    /// <summary>Nobody reads standard output any more: 128 + SIGPIPE.</summary>
    public const int ReaderGone = 141;
}

/// <summary>The command line makes no sense; the message says why in one line.</summary>
internal sealed class UsageException(string message) : Exception(message);
