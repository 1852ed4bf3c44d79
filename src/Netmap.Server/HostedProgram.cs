using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// A program written for netmap in C, with the shim in front of its C library: it finds /dev/netmap at a server. Signals go to
/// it, its exit status comes back, and it ends (SIGTERM) when we are killed.
/// </summary>
public static class HostedProgram
{
    /// <summary>Exit statuses of shells for a program that is not there, and for one that cannot be started.</summary>
    private const int NotFound = 127;
    private const int NotExecutable = 126;

    /// <summary>What divides the paths in LD_PRELOAD; nothing quotes them.</summary>
    private static readonly SearchValues<char> s_separators = SearchValues.Create(" :");

    /// <summary>Signals stay its business to the end of the process: one that comes late must not replace the program's status.</summary>
    private static readonly List<SignalRelay> s_relays = [];

    /// <summary>Runs it to its end. From then on signals that end programs no longer end the calling process.</summary>
    /// <param name="words">The program and its arguments.</param>
    /// <param name="host">The server's address.</param>
    /// <param name="shim">Path of the shim's shared library.</param>
    /// <param name="sharing">With whom, and with whose ports, on a server for several users; null as the environment says.</param>
    /// <returns>The program's exit status; 128 + N when signal N ended it; 127 when there is no such program, 126 when it cannot be started.</returns>
    /// <exception cref="NetmapException">ENOENT the shim is missing; EINVAL its path cannot be preloaded.</exception>
    public static int Run(IReadOnlyList<string> words, string host, string shim, HostedSharing? sharing = null)
    {
        if (!File.Exists(shim))
            throw new NetmapException(Errno.ENOENT, "run", words[0], "the shim is missing: it is built where gcc is; install gcc and build again");
        if (shim.AsSpan().IndexOfAny(s_separators) >= 0)
        {
            throw new NetmapException(Errno.EINVAL, "run", words[0],
                $"the shim's path has a blank or a colon, at which LD_PRELOAD is divided: {shim}; install netmap in another folder");
        }
        if (Directory.Exists(words[0]) && words[0].Contains('/'))
            return Refused(words[0], "it is a directory", NotExecutable);
        // It may still start others that find netmap.
        if (ProgramFile.Obstacle(words[0]) is { } obstacle)
            Console.Error.WriteLine($"netmap: run {words[0]}: it will not find netmap: {obstacle}");
        ProcessStartInfo start = Prepare(words[0], words.Skip(1), host, shim);
        if (sharing?.Users is { } users)
            start.Environment["NETMAP_SHARE"] = users;
        if (sharing?.Owner is { } owner)
            start.Environment["NETMAP_OWNER"] = owner;
        int status = 0;
        // The kernel takes the death of the thread that started the program for its parent's: this one lives as long as the program.
        Thread runner = new(() => status = Run(start, host, shim)) { Name = "netmap run" };
        runner.Start();
        runner.Join();
        return status;
    }

    private static int Run(ProcessStartInfo start, string host, string shim)
    {
        // Before the program starts: a signal in between must not end us alone.
        SignalRelay relay = new(() => Process.Start(Prepare("sleep", ["2147483647"], host, shim))!);
        s_relays.Add(relay);
        try
        {
            using Process child = Process.Start(start)!;
            relay.Serve(child);
            return child.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            string reason = new System.ComponentModel.Win32Exception(missing.NativeErrorCode).Message;
            return Refused(start.FileName, reason, missing.NativeErrorCode == (int)Errno.ENOENT ? NotFound : NotExecutable);
        }
    }

    /// <summary>A program behind the shim, which ends with us.</summary>
    private static ProcessStartInfo Prepare(string program, IEnumerable<string> arguments, string host, string shim)
    {
        ProcessStartInfo start = new(program, arguments);
        string? others = Environment.GetEnvironmentVariable("LD_PRELOAD");
        start.Environment["LD_PRELOAD"] = string.IsNullOrEmpty(others) ? shim : $"{shim}:{others}";
        start.Environment["NETMAP_HOST"] = host;
        start.Environment["NETMAP_RUNNER"] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        return start;
    }

    private static int Refused(string program, string reason, int status)
    {
        Console.Error.WriteLine($"netmap: run {program}: {reason}");
        return status;
    }
}

/// <summary>What a program that cannot say it itself agrees to (docs/ownership.md), for each port that it opens.</summary>
/// <param name="Users">Who else may open its ports, in its user's memory: <c>alice+%capture</c>; null for none.</param>
/// <param name="Owner">The user whose ports, and memory, it may use; null for its own only.</param>
public sealed record HostedSharing(string? Users, string? Owner);
