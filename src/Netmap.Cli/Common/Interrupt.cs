namespace Netmap.Cli.Common;

/// <summary>Turns the first Ctrl-C into a cancellation, so that the final report is still given; the second one kills.</summary>
internal sealed class Interrupt : IDisposable
{
    private readonly CancellationTokenSource _source = new();

    public Interrupt() => Console.CancelKeyPress += OnPressed;

    public CancellationToken Token => _source.Token;

    public bool Happened { get; private set; }

    public void Dispose()
    {
        Console.CancelKeyPress -= OnPressed;
        _source.Dispose();
    }

    private void OnPressed(object? sender, ConsoleCancelEventArgs e)
    {
        if (Happened)
            return;
        Happened = true;
        e.Cancel = true;
        _source.Cancel();
    }
}
