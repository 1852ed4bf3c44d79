using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Netmap.Cli.Common;
using Netmap.Server;
using Netmap.Server.Configuration;

namespace Netmap.Cli.Serve;

/// <summary><c>netmap netmapd</c>: the ports of a machine for all who may connect.</summary>
internal static class DaemonCommand
{
    private static readonly NetmapServerOptions s_defaults = new() { Host = NetmapHost.Default };

    private static readonly Option<string> s_host = ServeOptions.Host("where clients connect: a path, or @name");
    private static readonly Option<string?> s_group = new("--group") { Description = "members of this group may connect, too" };
    private static readonly Option<int> s_workers = new("--workers") { Description = "threads that sync for clients; 0: half of the processors" };
    private static readonly Option<double> s_spin = new("--spin") { Description = "µs to look for work without giving up the processor", DefaultValueFactory = _ => s_defaults.Spin.TotalMicroseconds };
    private static readonly Option<double> s_linger = new("--linger") { Description = "µs to look for work before sleeping", DefaultValueFactory = _ => s_defaults.Linger.TotalMicroseconds };
    private static readonly Option<int> s_files = new("--files-per-user") { DefaultValueFactory = _ => s_defaults.FilesPerUser };
    private static readonly Option<int> s_users = new("--users")
    {
        Description = "users served at a time, root and the server's own beside",
        DefaultValueFactory = _ => s_defaults.Users,
    };
    private static readonly Option<int> s_sessions = new("--sessions-per-user") { DefaultValueFactory = _ => s_defaults.SessionsPerUser };
    private static readonly Option<int> s_descriptors = new("--descriptors-per-user") { DefaultValueFactory = _ => s_defaults.DescriptorsPerUser };
    private static readonly Option<int> s_threads = new("--threads-per-user") { DefaultValueFactory = _ => s_defaults.ThreadsPerUser };
    private static readonly Option<int> s_rings = new("--rings-per-user") { DefaultValueFactory = _ => s_defaults.RingsPerUser };
    private static readonly Option<long> s_memory = new("--memory-per-user") { Description = "MiB", DefaultValueFactory = _ => s_defaults.MemoryPerUser >> 20 };
    private static readonly Option<LogLevel> s_level = new("--log") { Description = "least level logged", DefaultValueFactory = _ => LogLevel.Information };
    private static readonly Option<bool> s_json = new("--json") { Description = "log one JSON object a line" };
    private static readonly Option<string[]> s_set = ServeOptions.Set();
    private static readonly Option<bool> s_check = new("--check") { Description = "say what the configuration means and what is wrong with it, and end" };

    public static Command Create()
    {
        Command command = new("netmapd", "Serve the ports of this machine to other programs.")
        {
            s_host, s_group, s_workers, s_spin, s_linger, s_users, s_files, s_sessions, s_descriptors, s_threads,
            s_rings, s_memory, s_level, s_json, s_set, s_check,
        };
        AccessOptions.AddTo(command);
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        ConfigurationSource source = AccessOptions.Source(parsed);
        NetmapServerOptions options = AccessOptions.AddTo(Options(parsed), parsed);
        if (parsed.GetValue(s_check))
            return ConfigurationReport.Run(source, options);
        using ILoggerFactory loggers = LoggerFactory.Create(log => Configure(log, parsed));
        using NetmapEngine engine = ServeOptions.Engine(parsed.GetValue(s_set));
        using ManualResetEventSlim over = new();
        using StopSignals stop = new(context =>
        {
            context.Cancel = true;
            over.Set();
        });
        MakeDefaultFolder(options.Host);
        NetmapServer? started = null;
        // Before the server can be reached, as the signal would end it.
        using PosixSignalRegistration reload = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            Volatile.Read(ref started)?.Reconfigure(source);
        });
        using NetmapServer server = new(engine, options with { Configuration = source.Read(options) }, loggers);
        Volatile.Write(ref started, server);
        ServiceNotification.Ready();
        over.Wait();
        ServiceNotification.Stopping();
        return ExitCode.Success;
    }

    /// <summary>As the service manager does for the service.</summary>
    private static void MakeDefaultFolder(string host)
    {
        if (host != NetmapHost.Default)
            return;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(host)!);
        }
        catch (UnauthorizedAccessException)
        {
            // Listening says so, too, and what to do.
        }
    }

    private static void Configure(ILoggingBuilder log, ParseResult parsed)
    {
        log.SetMinimumLevel(parsed.GetValue(s_level));
        // The journal has its own time stamps, and standard output belongs to nobody else here.
        if (parsed.GetValue(s_json))
            log.AddJsonConsole();
        else
            log.AddSimpleConsole(console => console.SingleLine = true);
    }

    private static NetmapServerOptions Options(ParseResult parsed) => new()
    {
        Host = parsed.GetRequiredValue(s_host),
        Group = parsed.GetValue(s_group),
        Workers = (int)Limits.Within("--workers", parsed.GetValue(s_workers), 0, 1024),
        Spin = TimeSpan.FromMicroseconds(Limits.Within("--spin", parsed.GetValue(s_spin), 0, 1e6)),
        Linger = TimeSpan.FromMicroseconds(Limits.Within("--linger", parsed.GetValue(s_linger), 0, 1e6)),
        FilesPerUser = (int)Limits.Within("--files-per-user", parsed.GetValue(s_files), 1, int.MaxValue),
        Users = (int)Limits.Within("--users", parsed.GetValue(s_users), 0, 65536),
        SessionsPerUser = (int)Limits.Within("--sessions-per-user", parsed.GetValue(s_sessions), 1, int.MaxValue),
        // Less would not let a single message in.
        DescriptorsPerUser = (int)Limits.Within("--descriptors-per-user", parsed.GetValue(s_descriptors), 512, int.MaxValue),
        ThreadsPerUser = (int)Limits.Within("--threads-per-user", parsed.GetValue(s_threads), 0, int.MaxValue),
        Watchdog = ServiceNotification.WatchdogInterval,
        RingsPerUser = (int)Limits.Within("--rings-per-user", parsed.GetValue(s_rings), 1, int.MaxValue),
        MemoryPerUser = Limits.Within("--memory-per-user", parsed.GetValue(s_memory), 1, long.MaxValue >> 20) << 20,
    };
}
