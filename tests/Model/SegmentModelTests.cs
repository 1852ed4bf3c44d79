using CsCheck;
using Netmap.Interop;
using PacketDotNet;

namespace Netmap.Tests.Model;

/// <summary>
/// Super-frames from a port with a virtio-net header to one without (spec 7.5), against a plain model: segments put
/// together are the original, and every checksum holds, also by the word of another implementation.
/// </summary>
public sealed class SegmentModelTests
{
    private static readonly Gen<SuperFrame> s_frames =
        from ipv4 in Gen.Bool
        from tcp in Gen.Bool
        from vlans in Gen.Int[0, 3]
        from ipOptions in Gen.Int[0, 10]
        from tcpOptions in Gen.Int[0, 10]
        from payload in Gen.OneOf(Gen.Int[0, 3000], Gen.Int[0, 65000])
        from flags in Gen.Byte
        from seed in Gen.Int
        select new SuperFrame
        {
            IsIpv4 = ipv4,
            IsTcp = tcp,
            Vlans = vlans,
            IpOptions = ipOptions,
            TcpOptions = tcpOptions,
            Payload = payload,
            TcpFlags = flags,
            Seed = seed,
        };

    private static readonly Gen<(SuperFrame Frame, int Header, int MaxFrame, int Size, int Fragment, bool Ecn)> s_runs =
        Gen.Select(s_frames, Gen.OneOf(Gen.Const(10), Gen.Const(12)), Gen.Int[300, 2048], Gen.OneOf(Gen.Const(0), Gen.Int[100, 9000]), Gen.Int[1026, 2048], Gen.Bool);

    [Fact]
    public void SegmentsPutTogetherAreTheOriginal() => s_runs.Sample(run =>
    {
        using VnetLab lab = new(run.Header, 0, run.MaxFrame);
        byte[] whole = run.Frame.ToBytes();
        virtio_net_hdr header = new()
        {
            gso_type = (byte)(run.Frame.Type | (run.Ecn ? 0x80 : 0)),
            gso_size = (ushort)run.Size,
            flags = 1,
        };
        lab.Send([.. VnetLab.Header(run.Header, header), .. whole], run.Fragment);
        List<byte[]> segments = lab.Receive();

        Assert.Empty(lab.Drops);
        int most = Math.Min(run.MaxFrame - run.Frame.Headers, run.Size == 0 ? int.MaxValue : run.Size);
        Assert.Equal(Math.Max(1, (run.Frame.Payload + most - 1) / most), segments.Count);
        List<byte> payload = [];
        for (int i = 0; i < segments.Count; i++)
        {
            byte[] part = run.Frame.Check(whole, segments[i], i, payload.Count, i == segments.Count - 1, run.Ecn);
            Assert.True(part.Length == most || i == segments.Count - 1);
            CheckByOthers(segments[i], run.Frame);
            payload.AddRange(part);
        }
        Assert.True(whole.AsSpan(run.Frame.Headers).SequenceEqual(payload.ToArray()));
    }, iter: 400, threads: 1);

    [Fact]
    public void ASuperFrameThatDoesNotFitIsLostAsAWhole() => s_frames.Where(frame => frame.Payload > 2000).Sample(frame =>
    {
        using VnetLab lab = new(12, 0, rxSlots: 64);
        byte[] before = [.. new byte[12], 2, 0, 0, 0, 0, 9, .. new byte[54]];
        for (int i = 0; i < 60; i++)
            lab.Send(before);
        virtio_net_hdr header = new() { gso_type = frame.Type, gso_size = 400 };
        lab.Send([.. VnetLab.Header(12, header), .. frame.ToBytes()]);
        Assert.Equal(60, lab.Receive().Count);
        DropReason reason = frame.Payload > 400 * 63 ? DropReason.FrameTooLong : DropReason.DestinationFull;
        Assert.Equal(1, Assert.Contains(reason, lab.Drops));
        // Room again.
        lab.Send(before);
        Assert.Single(lab.Receive());
    }, iter: 50, threads: 1);

    private static void CheckByOthers(byte[] segment, SuperFrame frame)
    {
        Packet packet = Packet.ParsePacket(LinkLayers.Ethernet, segment);
        if (frame.Vlans > 1)
            packet = Packet.ParsePacket(LinkLayers.Ethernet, [.. segment[..12], .. segment[(12 + (4 * frame.Vlans))..]]);
        if (frame.IsIpv4)
            Assert.True(packet.Extract<IPv4Packet>().ValidIPChecksum);
        if (frame.IsTcp)
            Assert.True(packet.Extract<TcpPacket>().ValidTcpChecksum);
        else
            Assert.True(packet.Extract<UdpPacket>().ValidUdpChecksum);
    }
}
