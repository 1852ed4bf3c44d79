using System.Buffers.Binary;

namespace Netmap.Tests.Netns.Peers;

/// <summary>Capture files in the classic format: written for tcpreplay, read from tcpdump.</summary>
internal static class Pcap
{
    public static void Write(string path, IEnumerable<byte[]> frames)
    {
        using BinaryWriter file = new(File.Create(path));
        file.Write(0xa1b2c3d4u);
        file.Write((ushort)2);
        file.Write((ushort)4);
        file.Write(0L);
        file.Write(65535);
        file.Write(1);
        int number = 0;
        foreach (byte[] frame in frames)
        {
            file.Write(0);
            file.Write(number++);
            file.Write(frame.Length);
            file.Write(frame.Length);
            file.Write(frame);
        }
    }

    public static List<byte[]> Read(string path)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        List<byte[]> frames = [];
        for (file = file[24..]; file.Length >= 16;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(file[8..]);
            frames.Add(file[16..(16 + length)].ToArray());
            file = file[(16 + length)..];
        }
        return frames;
    }
}
