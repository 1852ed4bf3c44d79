using System.Net;
using System.Net.Sockets;
using Netmap.Links;

namespace Netmap.Tests.Netns.Native;

/// <summary>What goes through native ports: swapped buffers, long frames, frames of a host's stack, and what stays with the host.</summary>
public sealed class NativeTrafficTests
{
    public NativeTrafficTests() => Privileges.RequireBpf();

    /// <summary>The receive slot's buffer is the one the transmit slot of the other port sends, and both rings keep whole.</summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void SwappedBuffersAreForwardedWhereTheyAre(NativeGear gear)
    {
        NetmapEngineOptions options = NativeLab.Options with { NativeGear = gear };
        using VethLab lab = NativeLab.Create(engine: options);
        using NetworkNamespace third = NetworkNamespace.Create();
        lab.Left.CreateVeth("w0", "w1", third);
        third.DisableIpv6("w1");
        lab.Left.DisableIpv6("w0");
        lab.Left.SetUp("w0");
        third.SetUp("w1");
        using NetmapEngine far = new(options);
        using NetmapPort source = lab.Right.Run(() => NetmapPort.Open("netmap:v1", engine: far));
        using NetmapPort sink = third.Run(() => NetmapPort.Open("netmap:w1", engine: far));
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.Left.Run(() => NetmapPort.Open("netmap:w0", engine: lab.Engine));
        Assert.Equal(left.Info.MemoryId, right.Info.MemoryId);
        for (int i = 0; i < 5000; i++)
        {
            NativeLab.Send(source, TestFrame.Varied(i));
            NativeLab.Forward(left, right);
            Assert.Equal(TestFrame.Varied(i), NativeLab.One(sink));
        }
        Assert.Empty(left.GetStatistics().Drops);
        Assert.Empty(right.GetStatistics().Drops);
    }

    /// <summary>With an MTU above a buffer, frames take several slots in both directions.</summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void LongFramesTakeSeveralSlots(NativeGear gear)
    {
        using NativePair pair = new(gear, mtu: 9000);
        (NetmapPort left, NetmapPort right) = pair;
        for (int length = 1500; length <= 9014; length += 501)
        {
            NativeLab.PutInParts(right, TestFrame.Numbered(length, length));
            right.TxSync();
            Assert.Equal(TestFrame.Numbered(length, length), NativeLab.One(left));
        }
        Assert.True(left.GetStatistics().Rx[0].Scattered > 10);
        Assert.Empty(left.GetStatistics().Drops);
    }

    /// <summary>A host's UDP over veth leaves its checksum to hardware that is not there.</summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void ChecksumsAHostLeftToItsHardwareAreCompleted(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear).WithAddresses();
        using NetmapPort left = lab.OpenLeft();
        for (int length = 0; length < 40; length++)
        {
            SendUdp(lab, 4000, new byte[length]);
            byte[] frame = NativeLab.One(left);
            Assert.Equal(0xffffu, UdpSum(frame));
        }
        Assert.Equal(40, left.GetStatistics().Rx[0].ChecksumsCompleted);
    }

    /// <summary>Those of frames over several buffers too, wherever they end.</summary>
    [Theory]
    [InlineData(NativeGear.Plain, 2048)]
    [InlineData(NativeGear.Plain, 1856)]
    [InlineData(NativeGear.Auto, 2048)]
    public void ChecksumsOfLongFramesAreCompleted(NativeGear gear, int bufferSize)
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { NativeGear = gear, BufferSize = bufferSize }, mtu: 9000).WithAddresses();
        using NetmapPort left = lab.OpenLeft();
        int[] lengths = [.. Enumerable.Range(1800, 260), .. Enumerable.Range(4040, 20), 8957, 8958];
        foreach (int length in lengths)
        {
            byte[] data = new byte[length];
            new Random(length).NextBytes(data);
            SendUdp(lab, 4000, data);
            byte[] frame = NativeLab.One(left);
            Assert.True(frame.AsSpan(42).SequenceEqual(data), $"{length} bytes");
            Assert.Equal((length, 0xffffu), (length, UdpSum(frame)));
        }
        Assert.Equal(lengths.Length, left.GetStatistics().Rx[0].ChecksumsCompleted);
        Assert.True(left.GetStatistics().Rx[0].Scattered > 50);
    }

    /// <summary>As what a VLAN device at the other end sends: the veth keeps the tag beside the frame.</summary>
    [Theory]
    [InlineData(0x8100, 100, NativeGear.Plain)]
    [InlineData(0x88a8, 4000, NativeGear.Plain)]
    [InlineData(0x8100, 100, NativeGear.Auto)]
    [InlineData(0x88a8, 4000, NativeGear.Fast)]
    public void ATagTheDriverKeptIsPutBack(int protocol, int tag, NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear).WithAddresses();
        using NetmapPort left = lab.OpenLeft();
        using (NativeLab.AttachTagger(lab.Right, "v1", protocol, tag))
        {
            SendUdp(lab, 4000, [1, 2, 3]);
            byte[] frame = NativeLab.One(left);
            Assert.Equal([(byte)(protocol >> 8), (byte)protocol, (byte)(tag >> 8), (byte)tag, 8, 0], frame[12..18]);
            Assert.Equal(14 + 4 + 20 + 8 + 3, frame.Length);
            Assert.DoesNotContain("lost", left.Info.Mode);
        }
        SendUdp(lab, 4000, [1, 2, 3]);
        Assert.Equal(14 + 20 + 8 + 3, NativeLab.One(left).Length);
    }

    /// <summary>Queue by queue: each ring its own frames, those of a ring nobody has go to the host.</summary>
    [Fact]
    public void RingsAreOpenedAndClosedOneByOne()
    {
        using VethLab lab = NativeLab.Create(NativeGear.Plain, queues: 2);
        using NetmapPort right = lab.OpenRight();
        using NetmapPort first = lab.OpenLeft("-0");
        for (int round = 0; round < 5; round++)
        {
            using NetmapPort second = lab.OpenLeft("-1");
            for (int i = 0; i < 3000; i++)
            {
                NativeLab.Send(right, i, ring: i % 2);
                Assert.Equal(TestFrame.Numbered(i, 60), NativeLab.One(i % 2 == 0 ? first : second));
            }
            Assert.Equal(["rx 0 XDP, copy", "rx 1 XDP, copy"], first.Info.Queues.Where(queue => queue.Direction == "rx").Select(queue => $"rx {queue.Queue} {queue.Mode}"));
            // What was read and not given back would be there again for the next one (spec 2.1).
            second.RxSync();
            second.Dispose();
            NativeLab.Send(right, 1, ring: 1);
        }
        Assert.Empty(first.GetStatistics().Drops);
    }

    /// <summary>Whatever a program wrote into slots, every buffer is back after close.</summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void AProgramThatScribblesLosesItsOwnFramesOnly(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear);
        using NetmapPort keeper = lab.OpenRight();
        int available = lab.Engine.Core.Memories.Global.Available.Buffers;
        for (int round = 0; round < 10; round++)
        {
            Random random = new(round);
            using NetmapPort left = lab.OpenLeft();
            for (int i = 0; i < 200; i++)
            {
                keeper.TxRings[0].TrySend(TestFrame.Numbered(i, 60));
                keeper.TxSync();
                foreach (NetmapRing ring in (NetmapRing[])[left.RxRings[0], left.TxRings[0]])
                {
                    ref NetmapSlot slot = ref ring[random.Next(ring.SlotCount)];
                    slot.BufferIndex = random.Next(3) == 0 ? (uint)random.Next(2, 1000) : uint.MaxValue - (uint)random.Next(10);
                    slot.Length = (ushort)random.Next(ushort.MaxValue);
                    slot.Flags = (SlotFlags)random.Next(64);
                    ring.Head = ring.Cur = random.Next(ring.SlotCount + 2);
                }
                left.Poll(PollEvents.Receive | PollEvents.Transmit, TimeSpan.Zero);
            }
        }
        keeper.Dispose();
        // The last user is gone: the allocator is whole again, and a well-behaved program finds all as ever.
        Assert.True(lab.Engine.Core.Memories.Global.Available.Buffers > available);
        using NetmapPort again = lab.OpenLeft();
        using NetmapPort other = lab.OpenRight();
        NativeLab.Send(other, 9);
        Assert.Equal(TestFrame.Numbered(9, 60), NativeLab.One(again));
    }

    private static void SendUdp(VethLab lab, int port, byte[] payload, string to = "10.9.0.1") => lab.Right.Run(() =>
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.SendTo(payload, new IPEndPoint(IPAddress.Parse(to), port));
    });

    /// <summary>Sum over pseudo-header and segment: 0xffff when the checksum is right.</summary>
    private static uint UdpSum(byte[] frame)
    {
        uint sum = 17 + (uint)(frame.Length - 34);
        for (int i = 26; i < frame.Length; i++)
            sum += (uint)(frame[i] << (i % 2 == 0 ? 8 : 0));
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return sum;
    }
}
