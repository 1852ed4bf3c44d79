using Netmap.Cli.Bench.Software;
using Netmap.Cli.Common;

namespace Netmap.Cli.Bench.Ipc;

/// <summary>What a case gave: a rate beside the peer's, or times.</summary>
/// <param name="Case">Its name.</param>
/// <param name="Ours">The process that counts or times.</param>
/// <param name="Other">The one at the other end, if there is one.</param>
/// <param name="Peer">What it is measured beside.</param>
/// <param name="PeerMpps">The peer's rate; null where it was not measured.</param>
/// <param name="Batch">Frames a sync.</param>
internal sealed record IpcResult(string Case, IpcReport Ours, IpcReport? Other, string Peer, double? PeerMpps, int Batch)
{
    private bool IsRate => Ours.P50 == 0;

    private double? Ratio => PeerMpps is { } peer ? Math.Round(Ours.Mpps / peer, 3) : null;

    /// <summary>Part of the frames sent that did not arrive; a pipe loses none.</summary>
    private double Loss => Other is { Mpps: > 0 } && Case.StartsWith("vale", StringComparison.Ordinal) ? Math.Max(0, 1 - (Ours.Mpps / Other.Mpps)) : 0;

    public void Write(bool json)
    {
        if (json)
            WriteJson();
        else if (IsRate)
            Console.Out.WriteLine($"{Case}: {Ours.Mpps:F2} Mpps, loss {Loss:P1}, {Peer} {(PeerMpps is { } peer ? $"{peer:F2} Mpps, ratio {Ratio:F2}" : "is not installed")}");
        else
            Console.Out.WriteLine($"{Case}: p50 {Ours.P50} ns, p99 {Ours.P99} ns, p99.9 {Ours.P999} ns, max {Ours.Max} ns of {Ours.Packets}");
    }

    private void WriteJson()
    {
        if (IsRate)
        {
            Output.Json(new
            {
                Bench = "ipc",
                Case,
                OursMpps = Math.Round(Ours.Mpps, 3),
                Peer,
                PeerMpps = PeerMpps is { } peer ? Math.Round(peer, 3) : (double?)null,
                Ratio,
                Loss = Math.Round(Loss, 4),
                AllocBytesPerPacket = Math.Round((double)Ours.Allocated / Math.Max(1, Ours.Packets), 4),
                Gc = Ours.Collections,
                Batch,
                Bytes = 60,
                MachineCores = Environment.ProcessorCount,
                Machine.Processor,
                Machine.Kernel,
            });
            return;
        }
        Output.Json(new
        {
            Bench = "ipc",
            Case,
            Count = Ours.Packets,
            P50Ns = Ours.P50,
            P99Ns = Ours.P99,
            P999Ns = Ours.P999,
            MaxNs = Ours.Max,
            MachineCores = Environment.ProcessorCount,
            Machine.Processor,
            Machine.Kernel,
        });
    }
}
