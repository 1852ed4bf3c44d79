using System.Diagnostics;
using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// A program written for netmap in C, with the shim in front of its C library: it finds /dev/netmap at a server. Signals go to
/// it, its exit status comes back.
/// </summary>
public static class HostedProgram
{
    /// <summary>Exit statuses of shells for a program that is not there, and for one that cannot be started.</summary>
    private const int NotFound = 127;
    private const int NotExecutable = 126;

    /// <summary>Signals stay its business to the end of the process: one that comes late must not replace the program's status.</summary>
    private static readonly List<Relay> s_relays = [];

    /// <summary>Runs it to its end. From then on signals that end programs no longer end the calling process.</summary>
    /// <param name="words">The program and its arguments.</param>
    /// <param name="host">The server's address.</param>
    /// <param name="shim">Path of the shim's shared library.</param>
    /// <returns>The program's exit status; 128 + N when signal N ended it; 127 when there is no such program, 126 when it cannot be started.</returns>
    /// <exception cref="NetmapException">ENOENT the shim is missing.</exception>
    public static int Run(IReadOnlyList<string> words, string host, string shim)
    {
        if (!File.Exists(shim))
            throw new NetmapException(Errno.ENOENT, "run", words[0], "the shim is missing: it is built where gcc is; install gcc and build again");
        if (Directory.Exists(words[0]) && words[0].Contains('/'))
            return Refused(words[0], "it is a directory", NotExecutable);
        // It may still start others that find netmap.
        if (ProgramFile.Obstacle(words[0]) is { } obstacle)
            Console.Error.WriteLine($"netmap: run {words[0]}: it will not find netmap: {obstacle}");
        ProcessStartInfo start = new(words[0], words.Skip(1));
        string? others = Environment.GetEnvironmentVariable("LD_PRELOAD");
        start.Environment["LD_PRELOAD"] = string.IsNullOrEmpty(others) ? shim : $"{shim}:{others}";
        start.Environment["NETMAP_HOST"] = host;
        // Before the program starts: a signal in between must not end us alone.
        Relay relay = new();
        s_relays.Add(relay);
        try
        {
            using Process child = Process.Start(start)!;
            relay.Follow(child);
            child.WaitForExit();
            relay.Follow(null);
            return child.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            string reason = new System.ComponentModel.Win32Exception(missing.NativeErrorCode).Message;
            return Refused(words[0], reason, missing.NativeErrorCode == (int)Errno.ENOENT ? NotFound : NotExecutable);
        }
    }

    private static int Refused(string program, string reason, int status)
    {
        Console.Error.WriteLine($"netmap: run {program}: {reason}");
        return status;
    }

    /// <summary>
    /// Passes on the signals that end programs; we live on to report the status. What a terminal sends goes to the whole group, the
    /// child included: that is only survived, as a second one would count as impatience.
    /// </summary>
    private sealed class Relay
    {
        private readonly List<PosixSignalRegistration> _registrations = [];
        private readonly bool _terminal = !Console.IsInputRedirected;
        private readonly Lock _lock = new();
        private Process? _child;
        private int _early;

        public Relay()
        {
            Register(PosixSignal.SIGINT, Signal.SIGINT);
            Register(PosixSignal.SIGQUIT, Signal.SIGQUIT);
            Register(PosixSignal.SIGTERM, Signal.SIGTERM);
            Register(PosixSignal.SIGHUP, Signal.SIGHUP);
        }

        /// <summary>Signals go to this program from here on, one that came before included; null: to nobody, as it has ended.</summary>
        public void Follow(Process? child)
        {
            lock (_lock)
            {
                _child = child;
                if (_early != 0)
                    Send(_early);
                _early = 0;
            }
        }

        private void Register(PosixSignal signal, int number)
        {
            bool fromTerminal = _terminal && signal is PosixSignal.SIGINT or PosixSignal.SIGQUIT;
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                lock (_lock)
                {
                    if (!fromTerminal)
                        Send(number);
                }
            }));
        }

        private void Send(int number)
        {
            if (_child is null)
                _early = number;
            else if (!_child.HasExited)
                Signal.kill(_child.Id, number);
        }
    }
}
