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

    /// <summary>A numbered frame whose length, 60 to 1459 bytes, depends on its number.</summary>
    public static byte[] Varied(int number) => Numbered(number, 60 + Math.Abs(number % 1400));

    /// <summary>Sends numbered frames of all lengths from one port to another; they arrive whole, in order, and nothing else does.</summary>
    public static void Cross(NetmapPort from, NetmapPort to, int frames)
    {
        int sent = 0;
        int received = 0;
        while (received < frames)
        {
            while (sent < frames && from.TxRings[0].TrySend(Varied(sent)))
                sent++;
            from.TxSync();
            Assert.Equal(PollEvents.Receive, to.Poll(PollEvents.Receive, VethLab.Soon));
            foreach (RxFrame frame in to.RxRings[0])
            {
                Assert.True(frame.Data.SequenceEqual(Varied(received)), $"frame {received}");
                received++;
            }
        }
        Assert.Equal(frames, to.GetStatistics().Rx[0].Packets);
        Assert.Empty(to.GetStatistics().Drops);
    }
}
