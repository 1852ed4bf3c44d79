using CsCheck;
using Netmap.Interop;

namespace Netmap.Tests.Model;

/// <summary>Whole frames between ports of every pair of header lengths, against a plain model (spec 7.5).</summary>
public sealed class VnetHeaderModelTests
{
    private static readonly Gen<int> s_lengths = Gen.OneOf(Gen.Const(0), Gen.Const(10), Gen.Const(12));

    private static readonly Gen<(int From, int To, int Length, int Fragment, int Offset, int Start, int Field, byte Flags, int Seed)> s_runs =
        Gen.Select(s_lengths, s_lengths, Gen.Int[60, 9000], Gen.Int[200, 2048], Gen.OneOf(Gen.Const(0), Gen.Const(256)), Gen.Int[14, 9100], Gen.Int[0, 40].Where(field => field != 8), Gen.Byte[0, 5])
            .SelectMany(run => Gen.Int.Select(seed => (run.Item1, run.Item2, run.Item3, run.Item4, run.Item5, run.Item6, run.Item7, run.Item8, seed)));

    [Fact]
    public void FramesArriveAsTheModelSays() => s_runs.Sample(run =>
    {
        using VnetLab lab = new(run.From, run.To, rxOffset: run.Offset);
        virtio_net_hdr header = new() { flags = run.Flags, csum_start = (ushort)run.Start, csum_offset = (ushort)run.Field };
        byte[] frame = new byte[run.Length];
        new Random(run.Seed).NextBytes(frame);
        (frame[0], frame[6]) = (2, 2);
        byte[] sent = [.. VnetLab.Header(run.From, header), .. frame];
        int slots = (sent.Length + run.Fragment - 1) / run.Fragment;
        lab.Send(sent, run.Fragment);
        List<byte[]> got = lab.Receive();
        byte[]? expected = Model(run.From, run.To, header, frame);
        if (expected is null)
        {
            Assert.Empty(got);
            Assert.Equal(1, Assert.Contains(DropReason.BadVnetHeader, lab.Drops));
            return;
        }
        if (run.From == run.To && run.Offset > 0 && Math.Min(run.Fragment, sent.Length) > 2048 - run.Offset)
            return; // Equal headers: fragments keep their slots, and do not fit.
        Assert.Equal(expected, Assert.Single(got));
        Assert.Empty(lab.Drops);
    }, iter: 1500, threads: 1);

    /// <summary>What arrives; null for a frame that is dropped.</summary>
    private static byte[]? Model(int from, int to, virtio_net_hdr header, byte[] frame)
    {
        if (from == 0)
            return [.. new byte[to], .. frame];
        if (to > 0)
            return [.. VnetLab.Header(to, header), .. frame];
        if (header.flags > 3)
            return null;
        if ((header.flags & 1) == 0)
            return frame;
        int field = header.csum_start + header.csum_offset;
        if (field + 2 > frame.Length)
            return null;
        int sum = 0xffff & ~SuperFrame.Sum(0, frame.AsSpan(header.csum_start));
        sum = sum == 0 ? 0xffff : sum;
        byte[] result = [.. frame];
        (result[field], result[field + 1]) = ((byte)(sum >> 8), (byte)sum);
        return result;
    }
}
