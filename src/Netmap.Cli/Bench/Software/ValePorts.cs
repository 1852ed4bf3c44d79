namespace Netmap.Cli.Bench.Software;

/// <summary>An engine and a switch on it whose first port sends; the others receive, stations 1, 2 … by their place.</summary>
internal sealed class ValePorts : IDisposable
{
    public ValePorts(int count)
    {
        Sender = NetmapPort.Open("vale0:p0", engine: Engine);
        Receivers = [.. Enumerable.Range(1, count - 1).Select(i => NetmapPort.Open($"vale0:p{i}", engine: Engine))];
        for (int i = 0; i < Receivers.Length; i++)
        {
            // The switch learns where the station is.
            Receivers[i].TxRings[0].TrySend(Frames.Make(60, to: 0, from: i + 1));
            Receivers[i].TxSync();
        }
    }

    public NetmapEngine Engine { get; } = new();

    public NetmapPort Sender { get; }

    public NetmapPort[] Receivers { get; }

    public void Dispose()
    {
        Sender.Dispose();
        foreach (NetmapPort port in Receivers)
            port.Dispose();
        Engine.Dispose();
    }
}
