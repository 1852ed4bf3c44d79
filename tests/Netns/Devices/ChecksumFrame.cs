using System.Buffers.Binary;

namespace Netmap.Tests.Netns.Devices;

/// <summary>Made-up frames whose checksum is complete, or partial as a sender leaves it to its hardware, or neither.</summary>
internal static class ChecksumFrame
{
    private const int Ip = 14;

    public static byte[] Random(Random random)
    {
        int header = random.Next(8) == 0 ? 24 : 20;
        bool tcp = random.Next(2) == 0;
        int payload = random.Next(0, 60);
        int segment = (tcp ? 20 : 8) + payload;
        byte[] frame = new byte[Ip + header + segment + (random.Next(2) * random.Next(0, 20))];
        random.NextBytes(frame);
        Word(frame, 12, random.Next(8) == 0 ? 0x86dd : 0x0800);
        frame[Ip] = (byte)(0x40 | (header / 4));
        Word(frame, Ip + 2, header + segment + (random.Next(10) == 0 ? random.Next(-40, 40) : 0));
        Word(frame, Ip + 6, random.Next(6) == 0 ? 0x2000 : 0x4000);
        frame[Ip + 9] = (byte)(random.Next(8) == 0 ? 1 : tcp ? 6 : 17);
        int field = Ip + header + (tcp ? 16 : 6);
        if (random.Next(2) == 0 && field + 2 <= frame.Length)
            Word(frame, field, PseudoHeader(frame, header));
        return frame;
    }

    private static int PseudoHeader(byte[] frame, int header)
    {
        uint sum = (uint)(frame[Ip + 9] + BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(Ip + 2)) - header);
        for (int i = 12; i < 20; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(Ip + i));
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return (int)sum;
    }

    private static void Word(byte[] frame, int at, int value) => BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(at), (ushort)value);
}
