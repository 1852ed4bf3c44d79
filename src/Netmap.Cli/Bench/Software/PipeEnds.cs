namespace Netmap.Cli.Bench.Software;

/// <summary>An engine and both ends of a pipe on it.</summary>
internal sealed class PipeEnds : IDisposable
{
    public const string SenderName = "netmap:bench{1";

    public PipeEnds()
    {
        Sender = NetmapPort.Open(SenderName, engine: Engine);
        Receiver = NetmapPort.Open("netmap:bench}1", engine: Engine);
    }

    public NetmapEngine Engine { get; } = new();

    public NetmapPort Sender { get; }

    public NetmapPort Receiver { get; }

    /// <summary>Sends and receives by turns.</summary>
    public Stage OneThread(SoftwareCase @case) => new ByTurns(Source(@case), new PortSink(Receiver));

    public PortSource Source(SoftwareCase @case) => new(Sender, @case, [Frames.Make(@case.Bytes)]);

    public void Dispose()
    {
        Sender.Dispose();
        Receiver.Dispose();
        Engine.Dispose();
    }
}
