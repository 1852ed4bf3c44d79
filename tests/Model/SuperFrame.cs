using System.Buffers.Binary;

namespace Netmap.Tests.Model;

/// <summary>A TCP or UDP super-frame, built byte by byte, and what a receiver checks of its segments.</summary>
public sealed record SuperFrame
{
    public required bool IsIpv4 { get; init; }

    public required bool IsTcp { get; init; }

    /// <summary>Tags before the IP header.</summary>
    public required int Vlans { get; init; }

    /// <summary>Options of the IPv4 and the TCP header, in words.</summary>
    public required int IpOptions { get; init; }

    public required int TcpOptions { get; init; }

    public required int Payload { get; init; }

    public required byte TcpFlags { get; init; }

    public required int Seed { get; init; }

    public int L3 => 14 + (4 * Vlans);

    public int L4 => L3 + (IsIpv4 ? 20 + (4 * IpOptions) : 40);

    public int Headers => L4 + (IsTcp ? 20 + (4 * TcpOptions) : 8);

    /// <summary>gso_type of the virtio-net header.</summary>
    public byte Type => (byte)(!IsTcp ? 3 : IsIpv4 ? 1 : 4);

    /// <summary>The frame; checksums are the garbage an offloading sender leaves.</summary>
    public byte[] ToBytes()
    {
        byte[] frame = new byte[Headers + Payload];
        new Random(Seed).NextBytes(frame);
        (frame[0], frame[6]) = (2, 2);
        for (int i = 0; i < Vlans; i++)
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12 + (4 * i)), i % 2 == 0 ? (ushort)0x8100 : (ushort)0x88a8);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(L3 - 2), IsIpv4 ? (ushort)0x0800 : (ushort)0x86dd);
        byte protocol = IsTcp ? (byte)6 : (byte)17;
        if (IsIpv4)
        {
            frame[L3] = (byte)(0x45 + IpOptions);
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(L3 + 6), 0x4000);
            frame[L3 + 9] = protocol;
        }
        else
        {
            frame[L3] = 0x60;
            frame[L3 + 6] = protocol;
        }
        if (IsTcp)
            (frame[L4 + 12], frame[L4 + 13]) = ((byte)((5 + TcpOptions) << 4), TcpFlags);
        return frame;
    }

    /// <summary>Checks one segment against the whole, and gives its payload.</summary>
    public byte[] Check(byte[] whole, byte[] segment, int index, int before, bool isLast, bool ecn)
    {
        byte[] expected = whole[..Headers];
        int l4Length = segment.Length - L4;
        if (IsIpv4)
        {
            Write(expected, L3 + 2, segment.Length - L3);
            Write(expected, L3 + 4, BinaryPrimitives.ReadUInt16BigEndian(whole.AsSpan(L3 + 4)) + index);
            Copy(segment, expected, L3 + 10);
            Assert.Equal(0xffff, Sum(0, segment.AsSpan(L3, L4 - L3)));
        }
        else
        {
            Write(expected, L3 + 4, l4Length);
        }
        if (IsTcp)
        {
            uint sequence = BinaryPrimitives.ReadUInt32BigEndian(whole.AsSpan(L4 + 4));
            BinaryPrimitives.WriteUInt32BigEndian(expected.AsSpan(L4 + 4), sequence + (uint)before);
            expected[L4 + 13] &= (byte)((isLast ? 0xff : 0xf6) & (ecn && index > 0 ? 0x7f : 0xff));
        }
        else
        {
            Write(expected, L4 + 4, l4Length);
            Assert.NotEqual(0, BinaryPrimitives.ReadUInt16BigEndian(segment.AsSpan(L4 + 6)));
        }
        Copy(segment, expected, L4 + (IsTcp ? 16 : 6));
        Assert.Equal(expected, segment[..Headers]);
        int pseudo = Sum((IsTcp ? 6 : 17) + l4Length, IsIpv4 ? segment.AsSpan(L3 + 12, 8) : segment.AsSpan(L3 + 8, 32));
        Assert.Equal(0xffff, Sum(pseudo, segment.AsSpan(L4)));
        return segment[Headers..];
    }

    /// <summary>RFC 1071, word by word.</summary>
    public static int Sum(int seed, ReadOnlySpan<byte> bytes)
    {
        long sum = seed;
        for (int i = 0; i < bytes.Length; i++)
            sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        return (int)sum;
    }

    private static void Write(byte[] to, int at, int value) => BinaryPrimitives.WriteUInt16BigEndian(to.AsSpan(at), (ushort)value);

    private static void Copy(byte[] from, byte[] to, int at) => from.AsSpan(at, 2).CopyTo(to.AsSpan(at));
}
