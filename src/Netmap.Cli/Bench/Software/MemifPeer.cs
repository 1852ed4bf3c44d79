using System.Text.RegularExpressions;

namespace Netmap.Cli.Bench.Software;

/// <summary>
/// DPDK's shared-memory interface between two processes, one sending and one receiving, on a core each: the C code to
/// beat for two cores. It copies each frame into the ring and out of it.
/// </summary>
internal sealed partial class MemifPeer : IDisposable
{
    public const string Name = "DPDK net_memif";

    private readonly string _socket = Path.Combine(Path.GetTempPath(), $"netmap-memif-{Environment.ProcessId}");
    private TestPmd? _receiver;
    private TestPmd? _sender;

    /// <summary>Rate with the case's size and batch; null when DPDK is not installed. The processes stay, asleep, for the next case.</summary>
    public Round? Measure(SoftwareCase @case, TimeSpan window)
    {
        if (!DpdkPeer.IsInstalled)
            return null;
        (TestPmd receiver, TestPmd sender) = Started();
        receiver.Send($"set burst {@case.Batch}");
        sender.Send($"set burst {@case.Batch}");
        sender.Send($"set txpkts {@case.Bytes}");
        receiver.Send("start");
        sender.Send("start");
        Thread.Sleep(60);
        long before = receiver.Received();
        Meter meter = new();
        Thread.Sleep(window);
        long received = receiver.Received() - before;
        Round round = meter.Stop(received, 0, 0);
        sender.Stop();
        receiver.Stop();
        return received > 0 ? round : throw new InvalidOperationException("dpdk-testpmd received nothing over net_memif");
    }

    public void Dispose()
    {
        _sender?.Dispose();
        _receiver?.Dispose();
        File.Delete(_socket);
    }

    private (TestPmd Receiver, TestPmd Sender) Started()
    {
        if (_receiver is null)
        {
            _receiver = new("server", _socket, cpu: 1, "rxonly");
            _receiver.Await(ReadyPattern());
        }
        if (_sender is null)
        {
            _sender = new("client", _socket, cpu: 0, "txonly");
            _sender.Await(ReadyPattern());
        }
        return (_receiver, _sender);
    }

    [GeneratedRegex("Done")]
    private static partial Regex ReadyPattern();
}
