namespace Netmap.Tests.Schedules;

/// <summary>An engine for one schedule, with rings of a few slots, so that they fill up and go round.</summary>
internal static class Lab
{
    private const int NumberAt = 14;

    public static readonly NetmapPortOptions Small = new() { TxSlots = 4, RxSlots = 4 };

    public static NetmapEngine NewEngine() => new(new() { BufferCount = 64, BufferSize = 64, RingSize = 1024, RingCount = 16, InterfaceCount = 16, NoTimestamp = true });

    public static NetmapSwitch LosslessSwitch(NetmapEngine engine) => NetmapSwitch.Create("vale0", new NetmapSwitchOptions { Lossless = true }, engine);

    /// <summary>Sends numbered frames, each of another length, sleeping while there is no room.</summary>
    /// <param name="port">From where.</param>
    /// <param name="count">How many.</param>
    /// <param name="to">Last byte of the destination address; 0xff for everybody.</param>
    /// <param name="from">Last byte of the source address.</param>
    public static void Send(NetmapPort port, int count, byte to = 0xff, byte from = 1)
    {
        Span<byte> frame = stackalloc byte[60];
        if (to == 0xff)
            frame[..6].Fill(to);
        else
            (frame[0], frame[5]) = (2, to);
        (frame[6], frame[11]) = (2, from);
        for (int sent = 0; sent < count;)
        {
            frame[NumberAt] = (byte)sent;
            if (port.TxRings[0].TrySend(frame[..LengthOf(sent)]))
                sent++;
            else
                Poll(port, PollEvents.Transmit);
        }
        // Lossless: what finds no room stays in the ring, which poll says has free slots.
        for (port.TxSync(); port.TxRings[0].IsPending; port.TxSync())
            Schedule.LetOthersRun();
    }

    /// <summary>Receives so many frames, sleeping while there are none; hands each one's sender and number on.</summary>
    public static void Receive(NetmapPort port, int count, Action<byte, byte> frame)
    {
        NetmapBuffer extra = new(port);
        while (count > 0)
        {
            Poll(port, PollEvents.Receive);
            foreach (RxFrame one in port.RxRings[0])
            {
                ReadOnlySpan<byte> data = one.Fragment(0);
                byte number = data[NumberAt];
                Assert.Equal(LengthOf(number), data.Length);
                frame(data[11], number);
                extra.Exchange(one);
                count--;
            }
        }
        port.RxSync();
    }

    private static void Poll(NetmapPort port, PollEvents events)
    {
        if ((port.Poll(events, Timeout.InfiniteTimeSpan) & PollEvents.Error) != 0)
            Assert.Fail("poll says that the port is in error");
    }

    private static int LengthOf(int number) => 20 + number;

    /// <summary>A buffer of the receiver's own that it exchanges for each frame's: nobody else may write what it has taken out.</summary>
    private struct NetmapBuffer(NetmapPort port)
    {
        private const byte Mine = 0xee;

        private uint _index = port.FirstExtraBuffer;

        public void Exchange(RxFrame frame)
        {
            if (_index == 0)
                return;
            ref NetmapSlot slot = ref frame.Ring[frame.FirstSlot];
            Span<byte> own = frame.Ring.BufferOf(_index);
            Assert.True(own[NumberAt] is Mine or 0, "a buffer that was taken out of the ring was written");
            (slot.BufferIndex, _index) = (_index, slot.BufferIndex);
            slot.Flags |= SlotFlags.BufferChanged;
            frame.Ring.BufferOf(_index)[NumberAt] = Mine;
        }
    }
}
