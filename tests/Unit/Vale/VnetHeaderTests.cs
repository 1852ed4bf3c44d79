using System.Buffers.Binary;
using Netmap.Interop;
using Netmap.Vale;
using PacketDotNet;

namespace Netmap.Tests.Unit.Vale;

/// <summary>Frames between ports of different virtio-net header length: each rule of spec 7.5 by itself.</summary>
public sealed class VnetHeaderTests
{
    private const int L3 = 14;
    private const int L4 = 34;

    [Theory]
    [InlineData(0, 12)]
    [InlineData(0, 10)]
    public void AFrameWithoutHeaderGetsAnEmptyOne(int from, int to)
    {
        using VnetLab lab = new(from, to);
        byte[] frame = Tcp(100);
        lab.Send(frame);
        Assert.Equal([.. new byte[to], .. frame], Assert.Single(lab.Receive()));
    }

    [Theory]
    [InlineData(10, 12)]
    [InlineData(12, 10)]
    public void TenBytesOfAHeaderAreCopied(int from, int to)
    {
        using VnetLab lab = new(from, to);
        byte[] header = [.. Enumerable.Range(1, from).Select(i => (byte)i)];
        byte[] frame = Tcp(100);
        lab.Send([.. header, .. frame]);
        byte[] expected = [.. header[..10], .. new byte[to - 10], .. frame];
        Assert.Equal(expected, Assert.Single(lab.Receive()));
    }

    [Fact]
    public void AHeaderInASlotOfItsOwnIsConsumed()
    {
        using VnetLab lab = new(12, 0);
        byte[] frame = Tcp(100);
        TxRing ring = lab.Tx.TxRings[0];
        ring.Buffer(0)[..12].Clear();
        (ring[0].Length, ring[0].Flags) = (12, SlotFlags.MoreFragments);
        frame.CopyTo(ring.Buffer(1));
        (ring[1].Length, ring[1].Flags) = ((ushort)frame.Length, SlotFlags.None);
        ring.Advance(2);
        lab.Tx.TxSync();
        Assert.Equal(frame, Assert.Single(lab.Receive()));
        Assert.Equal(1, lab.Rx.GetStatistics().Rx[0].Packets);
    }

    /// <summary>The frame, its header, or both lie in the sender's own memory: conversion sees them as any others.</summary>
    [Theory]
    [InlineData(0, 12, false)]
    [InlineData(0, 12, true)]
    [InlineData(12, 12, false)]
    [InlineData(12, 10, true)]
    [InlineData(10, 0, false)]
    [InlineData(12, 0, true)]
    public unsafe void IndirectFramesAndHeadersAreConverted(int from, int to, bool headerToo)
    {
        using VnetLab lab = new(from, to);
        byte[] frame = Tcp(1000);
        byte[] all = [.. VnetLab.Header(from, new() { gso_type = 0, csum_start = 7 }), .. frame];
        fixed (byte* data = all)
        {
            if (from > 0)
                Put(lab.Tx.TxRings[0], data, from, headerToo, SlotFlags.MoreFragments);
            Put(lab.Tx.TxRings[0], data + from, frame.Length, indirect: true, SlotFlags.None);
            lab.Tx.TxSync();
        }
        byte[] header = VnetLab.Header(to, from == 0 ? default : new() { gso_type = 0, csum_start = 7 });
        Assert.Equal([.. header, .. frame], Assert.Single(lab.Receive()));
        Assert.DoesNotContain(lab.Drops, drop => drop.Value > 0);
    }

    /// <summary>It may be lost to each port of a switch: too many segments, no such protocol, a checksum outside of it, a type unknown.</summary>
    [Theory]
    [InlineData(LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV4, 20, 0, DropReason.FrameTooLong)]
    [InlineData(LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV6, 1000, 0, DropReason.NotSegmentable)]
    [InlineData(LinuxVirtioNet.VIRTIO_NET_HDR_GSO_NONE, 0, 65000, DropReason.BadVnetHeader)]
    [InlineData(LinuxVirtioNet.VIRTIO_NET_HDR_GSO_NONE, 0, 0, DropReason.FrameTooLong)]
    [InlineData(99, 1000, 0, DropReason.BadVnetHeader)]
    public void APacketThatIsLostIsNotCopied(byte type, ushort size, ushort checksum, DropReason reason)
    {
        using VnetLab lab = new(12, 0, rxSlots: 16);
        byte flags = (byte)(checksum > 0 ? LinuxVirtioNet.VIRTIO_NET_HDR_F_NEEDS_CSUM : 0);
        byte[] frame = Tcp(checksum > 0 ? 20_000 : 60_000);
        byte[] packet = [.. VnetLab.Header(12, new() { gso_type = type, gso_size = size, flags = flags, csum_start = checksum }), .. frame];
        lab.Put(packet);
        SwitchPort from = lab.Switch.Find("a")!, to = lab.Switch.Find("b")!;
        PacketBatch batch = new(1024);
        batch.Fill(from.Sources[0], 0, (uint)lab.Tx.TxRings[0].Head, null);
        VnetConverter converter = new(2048);
        converter.Load(batch, 0, 12);
        Assert.Equal(reason, converter.Plan(to, to.Inbound[0].Ring).Drop);
        Assert.InRange(converter.Copied, 1, 12 + Segmenter.LongestHeaders);
    }

    [Fact]
    public unsafe void AnIndirectSuperFrameIsSegmented()
    {
        using VnetLab lab = new(12, 0);
        byte[] frame = Tcp(2900);
        byte[] header = VnetLab.Header(12, new() { gso_type = LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV4, gso_size = 1000, hdr_len = 54 });
        fixed (byte* data = (byte[])[.. header, .. frame])
        {
            Put(lab.Tx.TxRings[0], data, 1012, indirect: true, SlotFlags.MoreFragments);
            Put(lab.Tx.TxRings[0], data + 1012, frame.Length - 1000, indirect: true, SlotFlags.None);
            lab.Tx.TxSync();
        }
        List<byte[]> got = lab.Receive();
        Assert.Equal((frame.Length - 54 + 999) / 1000, got.Count);
        Assert.Equal(frame[54..], got.SelectMany(segment => segment[54..]));
    }

    private static unsafe void Put(TxRing ring, byte* data, int length, bool indirect, SlotFlags more)
    {
        int slot = ring.Head;
        if (indirect)
            (ring[slot].Pointer, ring[slot].Flags) = ((ulong)data, more | SlotFlags.Indirect);
        else
            new ReadOnlySpan<byte>(data, length).CopyTo(ring.Buffer(slot));
        if (!indirect)
            ring[slot].Flags = more;
        ring[slot].Length = (ushort)length;
        ring.Advance(1);
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(5, 0)]
    [InlineData(0x7f, 0)]
    [InlineData(0, 4)]
    [InlineData(0, 0x80)]
    [InlineData(1, 0xff)]
    public void UnknownTypesAndFlagsAreDropped(byte type, byte flags) =>
        Assert.Equal(DropReason.BadVnetHeader, Lost(new() { gso_type = type, flags = flags, gso_size = 100 }, Tcp(1000)));

    [Theory]
    [InlineData(1014, 0)]
    [InlineData(34, 979)]
    [InlineData(65535, 65535)]
    [InlineData(1000, 8)]
    public void AChecksumOutsideTheFrameIsDropped(int start, int offset) =>
        Assert.Equal(DropReason.BadVnetHeader, Lost(new() { flags = 1, csum_start = (ushort)start, csum_offset = (ushort)offset }, Tcp(1000 - 54)));

    [Theory]
    [InlineData(12, 0x08, 0x06)]
    [InlineData(12, 0x81, 0x00)]
    [InlineData(L3, 0x65)]
    [InlineData(L3, 0x44)]
    [InlineData(L3, 0x4f)]
    [InlineData(L3 + 6, 0x20)]
    [InlineData(L3 + 7, 0x01)]
    [InlineData(L3 + 9, 17)]
    [InlineData(L4 + 12, 0x40)]
    [InlineData(L4 + 12, 0xf0)]
    public void WhatIsNotTcpOverIpv4IsNotSegmented(int at, byte value, int next = -1)
    {
        byte[] frame = Tcp(10);
        frame[at] = value;
        if (next >= 0)
            frame[at + 1] = (byte)next;
        Assert.Equal(DropReason.NotSegmentable, Lost(new() { gso_type = 1, gso_size = 100 }, frame));
    }

    [Theory]
    [InlineData(14)]
    [InlineData(33)]
    [InlineData(34)]
    [InlineData(53)]
    public void HeadersCutShortAreNotSegmented(int length) =>
        Assert.Equal(DropReason.NotSegmentable, Lost(new() { gso_type = 1, gso_size = 100 }, Tcp(0)[..length]));

    [Theory]
    [InlineData(4)]
    [InlineData(3)]
    public void TheTypeMustBeThatOfTheFrame(byte type) =>
        Assert.Equal(DropReason.NotSegmentable, Lost(new() { gso_type = type, gso_size = 100 }, Tcp(1000)));

    [Fact]
    public void HeadersThatFillALongestFrameAreNotSegmented() =>
        Assert.Equal(DropReason.NotSegmentable, Lost(new() { gso_type = 1 }, Tcp(1000), maxFrame: 54));

    [Fact]
    public void MoreThanSixtyFourSlotsAreDropped()
    {
        using VnetLab lab = new(0, 12);
        byte[] frame = new byte[64 * 2048];
        frame[0] = 2;
        lab.Send(frame);
        Assert.Empty(lab.Receive());
        Assert.Equal(1, lab.Drops[DropReason.TooManyFragments]);
    }

    [Fact]
    public void AFrameShorterThanItsHeadersIsDropped()
    {
        using VnetLab lab = new(12, 0);
        lab.Send(new byte[25]);
        lab.Send(new byte[5]);
        Assert.Empty(lab.Receive());
        Assert.Equal(2, lab.Drops[DropReason.TooShort]);
    }

    [Fact]
    public void OtherPacketsOfTheBatchArrive()
    {
        using VnetLab lab = new(10, 0);
        byte[] good = [.. new byte[10], .. Tcp(10)];
        byte[] bad = [.. VnetLab.Header(10, new() { flags = 9 }), .. Tcp(10)];
        foreach (byte[] frame in new[] { good, bad, good, bad, good })
            Assert.True(lab.Tx.TxRings[0].TrySend(frame));
        lab.Tx.TxSync();
        Assert.All(lab.Receive(), frame => Assert.Equal(good[10..], frame));
        Assert.Equal((3, 2), (lab.Rx.GetStatistics().Rx[0].Packets, lab.Drops[DropReason.BadVnetHeader]));
    }

    [Fact]
    public void BroadcastsAreConvertedForEachPort()
    {
        using NetmapEngine engine = new();
        NetmapPort[] ports = [.. new[] { "a", "b", "c", "d" }.Select(name => NetmapPort.Open($"vale1:{name}", engine: engine))];
        ValeSwitch vale = engine.Core.Switches.Find("vale1")!;
        (vale.Find("a")!.HeaderLength, vale.Find("b")!.HeaderLength, vale.Find("c")!.HeaderLength) = (12, 10, 12);
        byte[] frame = Tcp(100);
        frame.AsSpan(0, 6).Fill(0xff);
        byte[] header = VnetLab.Header(12, new() { flags = 1, csum_start = L4, csum_offset = 16 });
        ports[0].TxRings[0].TrySend([.. header, .. frame]);
        ports[0].TxSync();
        Assert.Equal([.. header[..10], .. frame], One(ports[1]));
        Assert.Equal([.. header, .. frame], One(ports[2]));
        byte[] complete = [.. frame];
        InternetChecksum.Complete(complete, L4, 16);
        Assert.Equal(complete, One(ports[3]));
        foreach (NetmapPort port in ports)
            port.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALosslessSwitchKeepsWhatDoesNotFit(bool broadcast)
    {
        using NetmapEngine engine = new();
        NetmapPort tx = NetmapPort.Open("vale2:a", engine: engine);
        NetmapPort[] all = [.. new[] { "b", "c", "d" }.Select(name => NetmapPort.Open($"vale2:{name}@conf:slots=64", engine: engine))];
        ValeSwitch vale = engine.Core.Switches.Find("vale2")!;
        vale.Lossless = true;
        (vale.Find("a")!.HeaderLength, vale.Find("b")!.HeaderLength, vale.Find("c")!.HeaderLength) = (12, 10, 12);
        Teach(all[2]);
        byte[] frame = Tcp(1000);
        if (broadcast)
            frame.AsSpan(0, 6).Fill(0xff);
        else
            frame[5] = 7;
        byte[] packet = [.. VnetLab.Header(12, new() { gso_type = 1, gso_size = 100 }), .. frame];
        int sent = 0;
        int[] got = new int[3];
        for (int round = 0; round < 400; round++)
        {
            while (sent < 60 && tx.TxRings[0].TrySend(packet))
                sent++;
            tx.TxSync();
            NetmapPort port = all[round % 3];
            port.RxSync();
            got[round % 3] += port.RxRings[0].Available;
            port.RxRings[0].Advance(port.RxRings[0].Available);
            port.RxSync();
        }
        Assert.Equal(broadcast ? [60, 60, 600] : [0, 0, 600], got);
        Assert.Equal(60, sent);
        Assert.All(all.Append(tx), port => Assert.DoesNotContain(port.GetStatistics().Drops, drop => drop.Key != DropReason.NoDestination));
        foreach (NetmapPort port in all.Append(tx))
            port.Dispose();
    }

    /// <summary>Lets the switch learn that 02:00:00:00:00:07 is on this port; the frame itself goes nowhere.</summary>
    private static void Teach(NetmapPort port)
    {
        byte[] frame = new byte[60];
        (frame[0], frame[5], frame[6], frame[11]) = (2, 7, 2, 7);
        port.TxRings[0].TrySend(frame);
        port.TxSync();
    }

    [Fact]
    public void AUdpChecksumOfZeroIsWrittenAsOnes()
    {
        using VnetLab lab = new(12, 0);
        byte[] frame = Tcp(0)[..(L4 + 8 + 2)];
        frame[L3 + 9] = 17;
        // Length 10 in header and pseudo-header: what is missing to 0xffff is the payload.
        frame.AsSpan(L4, 8).Clear();
        int sum = (int)InternetChecksum.Sum(frame.AsSpan(L3 + 12, 8)) + 17 + 10 + 10;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(L4 + 8), InternetChecksum.Finish((ulong)sum));
        lab.Send([.. VnetLab.Header(12, new() { gso_type = 3, gso_size = 100 }), .. frame]);
        byte[] got = Assert.Single(lab.Receive());
        Assert.Equal(0xffff, BinaryPrimitives.ReadUInt16BigEndian(got.AsSpan(L4 + 6)));
        Assert.True(PacketDotNet.Packet.ParsePacket(LinkLayers.Ethernet, got).Extract<UdpPacket>().ValidUdpChecksum);
    }

    private static DropReason Lost(virtio_net_hdr header, byte[] frame, int maxFrame = 1514)
    {
        using VnetLab lab = new(12, 0, maxFrame);
        lab.Send([.. VnetLab.Header(12, header), .. frame]);
        Assert.Empty(lab.Receive());
        (DropReason reason, long count) = Assert.Single(lab.Drops);
        Assert.Equal(1, count);
        return reason;
    }

    private static byte[] One(NetmapPort port)
    {
        port.RxSync();
        Assert.Equal(1, port.RxRings[0].Available);
        return port.RxRings[0].Data(port.RxRings[0].Head)[..port.RxRings[0][port.RxRings[0].Head].Length].ToArray();
    }

    /// <summary>Ethernet, IPv4 and TCP without options, and so much payload.</summary>
    private static byte[] Tcp(int payload)
    {
        byte[] frame = new byte[54 + payload];
        (frame[0], frame[5], frame[6], frame[12], frame[13]) = (2, 1, 2, 8, 0);
        (frame[L3], frame[L3 + 8], frame[L3 + 9]) = (0x45, 64, 6);
        new byte[] { 10, 0, 0, 1, 10, 0, 0, 2 }.CopyTo(frame, L3 + 12);
        (frame[L4 + 12], frame[L4 + 13]) = (0x50, 0x18);
        return frame;
    }
}
