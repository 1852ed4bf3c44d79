namespace Netmap.Cli.Bench.Software;

/// <summary>Frames of the benchmarks.</summary>
internal static class Frames
{
    /// <summary>Experimental Ethertype 1 (IEEE 802): no stack takes it for its own.</summary>
    private const int EtherType = 0x88b5;

    /// <summary>From station <paramref name="from"/> to station <paramref name="to"/>, 0..255; -1 is everybody.</summary>
    public static byte[] Make(int bytes, int to = 1, int from = 0)
    {
        byte[] frame = new byte[bytes];
        if (to < 0)
            frame.AsSpan(0, 6).Fill(0xff);
        else
            (frame[0], frame[5]) = (2, (byte)to);
        (frame[6], frame[11]) = (2, (byte)from);
        (frame[12], frame[13]) = (EtherType >> 8, EtherType & 0xff);
        return frame;
    }
}
