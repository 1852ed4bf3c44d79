using System.Buffers.Binary;

namespace Netmap.Tests.Netns;

/// <summary>Frames no host stack answers: an experimental EtherType, a number, and a pattern that depends on it.</summary>
internal static class TestFrame
{
    public static byte[] Numbered(int number, int length)
    {
        byte[] frame = new byte[length];
        new byte[] { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 }.CopyTo(frame, 0);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(14), number);
        for (int i = 18; i < length; i++)
            frame[i] = (byte)(number + (i * 7));
        return frame;
    }
}
