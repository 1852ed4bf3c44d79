using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Cli.Common;

/// <summary>
/// The signals that end a tool in order, SIGINT and SIGTERM, whatever the parent left them at. A shell without job control
/// starts a script's background jobs with SIGINT ignored, and the runtime installs no handler over that. netmap's tools take
/// SIGINT all the same, since it is how a script ends them and gets their report. SIGHUP stays as it is: nohup ignores it.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;

    /// <param name="handler">Runs on a thread of its own, for each signal.</param>
    public StopSignals(Action<PosixSignalContext> handler)
    {
        // Before any registration: at the first one the runtime looks which signals are ignored.
        StopIgnoring(Signal.SIGINT);
        StopIgnoring(Signal.SIGTERM);
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, handler), PosixSignalRegistration.Create(PosixSignal.SIGINT, handler)];
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
    }

    private static unsafe void StopIgnoring(int signal)
    {
        sigaction action;
        if (Signal.sigaction(signal, null, &action).IsError || action.sa_handler != Signal.SIG_IGN)
            return;
        action.sa_handler = Signal.SIG_DFL;
        Signal.sigaction(signal, &action, null);
    }
}
