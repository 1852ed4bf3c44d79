using System.Runtime.InteropServices;

namespace Netmap.Cli.Common;

/// <summary>Turns the first Ctrl-C or SIGTERM into a cancellation, so that the final report is still given; the second one kills.</summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly StopSignals _signals;

    public Interrupt() => _signals = new StopSignals(OnSignal);

    public CancellationToken Token => _source.Token;

    public bool Happened { get; private set; }

    public void Dispose()
    {
        _signals.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (Happened)
            return;
        Happened = true;
        context.Cancel = true;
        _source.Cancel();
    }
}
