using System.Buffers.Binary;

namespace Netmap.Cli.PktGen;

/// <summary>The Internet checksum (RFC 1071).</summary>
internal static class Checksum
{
    /// <summary>Sum of big-endian 16-bit words on top of <paramref name="seed"/>, not folded.</summary>
    public static uint Add(uint seed, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length > 1; bytes = bytes[2..])
            seed += BinaryPrimitives.ReadUInt16BigEndian(bytes);
        return bytes.Length == 1 ? seed + ((uint)bytes[0] << 8) : seed;
    }

    /// <summary>The value for the header field.</summary>
    public static ushort Finish(uint sum)
    {
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
