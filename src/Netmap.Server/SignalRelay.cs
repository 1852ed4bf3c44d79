using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// Passes the signals that end programs on to one, once: what a terminal, timeout(1) or a shell sends goes to our whole process
/// group, the program included, and a second one would count as impatience. Which of the two it was no signal handler here can see, so a
/// process without a purpose stands in the group as a witness: it has died of the signal too, or has not.
/// </summary>
internal sealed class SignalRelay
{
    /// <summary>Between our signal and the same one for others of our group: they are sent in one go.</summary>
    private static readonly TimeSpan s_oneGo = TimeSpan.FromMilliseconds(50);

    private static readonly (PosixSignal Signal, int Number)[] s_signals =
    [
        (PosixSignal.SIGINT, Signal.SIGINT), (PosixSignal.SIGQUIT, Signal.SIGQUIT),
        (PosixSignal.SIGTERM, Signal.SIGTERM), (PosixSignal.SIGHUP, Signal.SIGHUP),
    ];

    private readonly BlockingCollection<(int Signal, long Time)> _received = [];
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly Func<Process> _start;
    private Process? _witness;
    private long _summoned;
    private bool _verdict;

    /// <param name="witness">Starts a process that waits, without end, for a signal.</param>
    public SignalRelay(Func<Process> witness)
    {
        _start = witness;
        foreach ((PosixSignal signal, int number) in s_signals)
            _registrations.Add(PosixSignalRegistration.Create(signal, context => Take(context, number)));
    }

    /// <summary>Passes signals on until the program ends.</summary>
    public void Serve(Process program)
    {
        program.Exited += (_, _) => Post(0);
        // After the handler: it may have ended by now.
        program.EnableRaisingEvents = true;
        Summon();
        foreach ((int signal, long time) in _received.GetConsumingEnumerable())
        {
            if (program.HasExited)
                break;
            if (signal != 0 && !HasReachedAll(signal, time))
                Interop.Signal.kill(program.Id, signal);
        }
        program.WaitForExit();
        _received.CompleteAdding();
        _witness?.Kill();
        _witness?.WaitForExit();
        _witness?.Dispose();
    }

    private void Take(PosixSignalContext context, int signal)
    {
        context.Cancel = true;
        Post(signal);
    }

    /// <summary>Once the program has ended, its status is what counts, and signals are nothing.</summary>
    private void Post(int signal)
    {
        try
        {
            _received.Add((signal, Stopwatch.GetTimestamp()));
        }
        catch (InvalidOperationException)
        {
            // Just ended.
        }
    }

    private bool HasReachedAll(int signal, long time)
    {
        // Older than the witness: it came close behind the one that the witness before met.
        if (_witness is null || time < _summoned)
            return _verdict;
        if (!_witness.WaitForExit(s_oneGo) && !IsEnding(_witness.Id, signal))
            return _verdict = false;
        _witness.WaitForExit();
        _verdict = _witness.ExitCode == 128 + signal;
        _witness.Dispose();
        Summon();
        return _verdict;
    }

    /// <summary>The signal is there but not met yet, since the witness has not run; or it has ended, and we have not been told.</summary>
    private static bool IsEnding(int process, int signal)
    {
        try
        {
            return File.ReadLines($"/proc/{process}/status").Any(line => line.StartsWith("State:\tZ", StringComparison.Ordinal)
                || (line.StartsWith("ShdPnd:", StringComparison.Ordinal) && (Convert.ToUInt64(line[7..].Trim(), 16) & (1ul << (signal - 1))) != 0));
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Without one, each signal is passed on.</summary>
    private void Summon()
    {
        try
        {
            _witness = _start();
            _summoned = Stopwatch.GetTimestamp();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            _witness = null;
        }
    }
}
