using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using CsCheck;
using Netmap.Devices;
using Netmap.Interop;

namespace Netmap.Tests.Model;

/// <summary>Super-frames behind a tunnel's headers: without those the segments are as they should be, and those fit them.</summary>
public sealed class TunnelModelTests
{
    private const int L3 = 14;

    private static readonly Gen<(SuperFrame Carried, Tunnel Tunnel, int Size)> s_runs =
        from inner4 in Gen.Bool
        from tcp in Gen.Bool
        from ipOptions in Gen.Int[0, 10]
        from tcpOptions in Gen.Int[0, 10]
        from payload in Gen.Int[0, 20000]
        from flags in Gen.Byte
        from seed in Gen.Int
        from outer4 in Gen.Bool
        from kind in Gen.OneOf(Gen.Const(Tunnel.Udp), Gen.Const(Tunnel.Gre), Gen.Const(Tunnel.Bare))
        from ethernet in Gen.Bool
        from checksum in Gen.Bool
        from words in Gen.Int[0, 5]
        from size in Gen.Int[100, 9000]
        select (new SuperFrame
        {
            IsIpv4 = inner4,
            IsTcp = tcp,
            Vlans = 0,
            IpOptions = ipOptions,
            TcpOptions = tcpOptions,
            Payload = payload,
            TcpFlags = flags,
            Seed = seed,
        }, new Tunnel(kind, outer4, kind != Tunnel.Bare && ethernet, checksum, words), size);

    [Fact]
    public void SegmentsWithoutTheTunnelAreThoseOfTheSender() => s_runs.Sample(run =>
    {
        byte[] carried = run.Carried.ToBytes();
        byte[] whole = run.Tunnel.Wrap(carried, run.Carried.IsIpv4);
        int skipped = whole.Length - carried.Length;
        Segments sender = new() { OuterL3 = L3, L3 = skipped + L3, IsTcp = run.Carried.IsTcp, HasEcn = true, Payload = run.Size };
        Assert.True(Segmenter.TryPlanAt(whole, sender, ushort.MaxValue, out Segments plan));
        Assert.Equal((run.Carried.L4 + skipped, run.Carried.Headers + skipped), (plan.L4, plan.Headers));
        int before = 0;
        for (int i = 0; i < plan.Count; i++)
        {
            HeaderBytes headers = default;
            byte[] segment = [.. Segmenter.Build(plan, whole, i, ref headers)];
            segment = [.. headers[..plan.Headers], .. segment];
            run.Tunnel.Check(whole, segment, i);
            byte[] inner = [.. carried[..L3], .. segment[(skipped + L3)..]];
            before += run.Carried.Check(carried, inner, i, before, i == plan.Count - 1, ecn: true).Length;
        }
        Assert.Equal(run.Carried.Payload, before);
    }, iter: 1000, threads: 1);

    /// <summary>Found by a look, and completed: the frame is as a sender makes it that completes its own.</summary>
    [Fact]
    public void AChecksumLeftOutIsFoundBehindTheTunnel() => s_runs.Sample(run =>
    {
        byte[] carried = run.Carried.ToBytes();
        byte[] whole = run.Tunnel.Wrap(carried, run.Carried.IsIpv4);
        int inner = whole.Length - carried.Length + L3;
        Assert.True(Segmenter.TryPlanAt(whole, new() { OuterL3 = L3, L3 = inner, IsTcp = run.Carried.IsTcp, Payload = run.Size }, ushort.MaxValue, out Segments plan));
        HeaderBytes headers = default;
        byte[] payload = [.. Segmenter.Build(plan, whole, 0, ref headers)];
        byte[] complete = [.. headers[..plan.Headers], .. payload];
        byte[] frame = Pinned([.. complete, 1, 2, 3]);
        // A complete one looks lacking once in 65,536 times: then it stays what it is.
        CompleteChecksum(frame);
        Assert.Equal(complete, frame[..^3]);
        ReadOnlySpan<byte> addresses = run.Carried.IsIpv4 ? complete.AsSpan(inner + 12, 8) : complete.AsSpan(inner + 8, 32);
        int pseudo = SuperFrame.Sum((run.Carried.IsTcp ? 6 : 17) + complete.Length - plan.L4, addresses);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(plan.L4 + (run.Carried.IsTcp ? 16 : 6)), (ushort)pseudo);
        Assert.Equal(plan.L4, Lacking(frame, frame.Length));
        Assert.Equal(plan.L4, Lacking(frame, plan.Headers));
        Assert.True(CompleteChecksum(frame));
        Assert.Equal(complete, frame[..^3]);
    }, iter: 1000, threads: 1);

    /// <summary>Whatever comes, it is looked at within its bounds: behind it there is nothing that may be read.</summary>
    [Fact]
    public unsafe void ALookStaysWithinTheFrame()
    {
        const int Page = 4096;
        const int MapFixed = 0x10;
        byte* pages = (byte*)SysMman.mmap(null, 2 * Page, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_PRIVATE | SysMman.MAP_ANONYMOUS, -1, 0).Value;
        SysMman.mmap(pages + Page, Page, 0, SysMman.MAP_PRIVATE | SysMman.MAP_ANONYMOUS | MapFixed, -1, 0);
        Gen.Select(s_runs, Gen.Int[0, 300], Gen.Int[0, 250], Gen.Byte).Sample((run, length, at, value) =>
        {
            byte[] frame = run.Tunnel.Wrap(run.Carried.ToBytes(), run.Carried.IsIpv4);
            frame[Math.Min(at, frame.Length - 1)] = value;
            length = Math.Min(length, frame.Length);
            byte* start = pages + Page - length;
            frame.AsSpan(0, length).CopyTo(new Span<byte>(start, length));
            HeaderCopy headers = new(start, length);
            FrameLook.At(ref headers, frame.Length).FindLacking();
            FrameLook.CompleteChecksum(start, length);
        }, iter: 10000, threads: 1);
        SysMman.munmap(pages, 2 * Page);
    }

    /// <summary>
    /// A frame that ends with its page, whose version somebody writes over all along: an IPv6 header would not end there. It is
    /// looked at as one or the other, and never as both.
    /// </summary>
    [Fact]
    public unsafe void AHeaderThatChangesIsLookedAtOnce()
    {
        const int Page = 4096;
        const int MapFixed = 0x10;
        const int Length = 14 + 20 + 8;
        byte* pages = (byte*)SysMman.mmap(null, 2 * Page, SysMman.PROT_READ | SysMman.PROT_WRITE,
            SysMman.MAP_PRIVATE | SysMman.MAP_ANONYMOUS, -1, 0).Value;
        SysMman.mmap(pages + Page, Page, 0, SysMman.MAP_PRIVATE | SysMman.MAP_ANONYMOUS | MapFixed, -1, 0);
        byte* frame = pages + Page - Length;
        Span<byte> bytes = new(frame, Length);
        bytes.Clear();
        (bytes[12], bytes[14], bytes[17], bytes[23]) = (8, 0x45, 28, 17);
        bool stop = false;
        Thread flipper = new(() =>
        {
            while (!Volatile.Read(ref stop))
                frame[14] ^= 0x20;
        });
        flipper.Start();
        int found = 0;
        for (int i = 0; i < 2_000_000; i++)
        {
            HeaderCopy headers = new(frame, Length);
            FrameLook look = FrameLook.At(ref headers);
            found += look.Protocol == 17 && look.IsIpv4 && !look.LacksChecksum ? 1 : 0;
        }
        Volatile.Write(ref stop, true);
        flipper.Join();
        SysMman.munmap(pages, 2 * Page);
        Assert.InRange(found, 1, 2_000_000);
    }

    /// <summary>What was handed out stays as it was.</summary>
    [Fact]
    public unsafe void ACopyOfHeadersIsTakenOnce()
    {
        byte[] frame = Pinned([.. Enumerable.Range(0, 700).Select(i => (byte)i)]);
        HeaderCopy headers = new((byte*)Unsafe.AsPointer(ref frame[0]), frame.Length);
        Assert.True(headers.Has(20));
        frame[15] = 99;
        Assert.Equal((15, 0x0e0f), (headers[15], headers.Word(14)));
        Assert.True(headers.Has(HeaderBytes.Size));
        Assert.False(headers.Has(HeaderBytes.Size + 1));
        frame[300] = 1;
        Assert.Equal([.. Enumerable.Range(0, HeaderBytes.Size).Select(i => (byte)i)], headers.First(1000).ToArray());
    }

    /// <summary>Protocols that are no tunnels, numbered GRE packets, headers that are not there.</summary>
    [Fact]
    public void OtherHeadersAreRefused() => s_runs.Where(run => run.Tunnel.Kind == Tunnel.Gre).Sample(run =>
    {
        byte[] carried = run.Carried.ToBytes();
        byte[] whole = run.Tunnel.Wrap(carried, run.Carried.IsIpv4);
        Segments sender = new() { OuterL3 = L3, L3 = whole.Length - carried.Length + L3, IsTcp = run.Carried.IsTcp, Payload = run.Size };
        byte[] numbered = [.. whole];
        numbered[run.Tunnel.L4] |= 0x10;
        Assert.False(Segmenter.TryPlanAt(numbered, sender, ushort.MaxValue, out _));
        whole[run.Tunnel.Protocol] = 50;
        Assert.False(Segmenter.TryPlanAt(whole, sender, ushort.MaxValue, out _));
        Assert.False(Segmenter.TryPlanAt(whole.AsSpan(0, sender.L3), sender, ushort.MaxValue, out _));
        Assert.False(Segmenter.TryPlanAt(whole, sender with { OuterL3 = sender.L3 + 1 }, ushort.MaxValue, out _));
    }, iter: 100, threads: 1);

    private static byte[] Pinned(byte[] bytes)
    {
        byte[] pinned = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(pinned, 0);
        return pinned;
    }

    private static unsafe bool CompleteChecksum(byte[] pinned) => FrameLook.CompleteChecksum((byte*)Unsafe.AsPointer(ref pinned[0]), pinned.Length);

    /// <summary>Where the header is whose checksum is lacking.</summary>
    /// <param name="pinned">The frame.</param>
    /// <param name="here">Bytes of it that may be looked at.</param>
    private static unsafe int Lacking(byte[] pinned, int here)
    {
        HeaderCopy headers = new((byte*)Unsafe.AsPointer(ref pinned[0]), here);
        return FrameLook.At(ref headers, pinned.Length).FindLacking().L4;
    }

    /// <param name="Kind">Its protocol, which decides what is behind the IP header.</param>
    /// <param name="IsIpv4">Its IP header.</param>
    /// <param name="HasEthernet">The carried packet has an Ethernet header.</param>
    /// <param name="HasChecksum">The UDP or GRE header has one.</param>
    /// <param name="Words">Of options, behind the eight bytes that VXLAN and Geneve have; a key of GRE if not 0.</param>
    private sealed record Tunnel(byte Kind, bool IsIpv4, bool HasEthernet, bool HasChecksum, int Words)
    {
        public const byte Udp = 17;
        public const byte Gre = 47;
        public const byte Bare = 4;

        /// <summary>VXLAN always has eight bytes and carries Ethernet; all else over UDP is Geneve.</summary>
        private bool IsVxlan => Words == 0 && HasEthernet;

        public int L4 => L3 + (IsIpv4 ? 20 : 40);

        public int Protocol => L3 + (IsIpv4 ? 9 : 6);

        public byte[] Wrap(byte[] carried, bool carriesIpv4)
        {
            byte[] type = HasEthernet ? [0x65, 0x58] : carriesIpv4 ? [8, 0] : [0x86, 0xdd];
            byte[] port = IsVxlan ? [0x12, 0xb5] : [0x17, 0xc1];
            byte[] rest = Kind switch
            {
                Udp => [0x12, 0x34, .. port, 0, 0, 0, HasChecksum ? (byte)1 : (byte)0, (byte)Words, 0, .. type, .. new byte[4 + (4 * Words)]],
                Gre => [(byte)((HasChecksum ? 0x80 : 0) | (Words > 0 ? 0x20 : 0)), 0, .. type, .. new byte[(HasChecksum ? 4 : 0) + (Words > 0 ? 4 : 0)]],
                _ => [],
            };
            byte[] frame = [.. carried[..L3], .. new byte[L4 - L3], .. rest, .. carried[(HasEthernet ? 0 : L3)..]];
            (frame[12], frame[13]) = IsIpv4 ? ((byte)8, (byte)0) : ((byte)0x86, (byte)0xdd);
            new Random(carried.Length).NextBytes(frame.AsSpan(L3, L4 - L3));
            frame[L3] = (byte)(IsIpv4 ? 0x45 : 0x60);
            if (IsIpv4)
                (frame[L3 + 6], frame[L3 + 7]) = (0x40, 0);
            frame[Protocol] = Kind != Bare ? Kind : carriesIpv4 ? Bare : (byte)41;
            return frame;
        }

        /// <summary>All that may differ from the super-frame is right, all else is the same.</summary>
        public void Check(byte[] whole, byte[] segment, int index)
        {
            byte[] expected = whole[..(L4 + Rest)];
            Write(expected, L3 + (IsIpv4 ? 2 : 4), segment.Length - (IsIpv4 ? L3 : L4));
            if (IsIpv4)
            {
                Write(expected, L3 + 4, BinaryPrimitives.ReadUInt16BigEndian(whole.AsSpan(L3 + 4)) + index);
                Take(expected, segment, L3 + 10);
                Assert.Equal(0xffff, SuperFrame.Sum(0, segment.AsSpan(L3, 20)));
            }
            if (Kind == Udp)
                Write(expected, L4 + 4, segment.Length - L4);
            if (HasChecksum && Kind != Bare)
            {
                Take(expected, segment, L4 + (Kind == Udp ? 6 : 4));
                int pseudo = SuperFrame.Sum(Udp + segment.Length - L4, segment.AsSpan(L3 + (IsIpv4 ? 12 : 8), IsIpv4 ? 8 : 32));
                Assert.Equal(0xffff, SuperFrame.Sum(Kind == Udp ? pseudo : 0, segment.AsSpan(L4)));
            }
            Assert.Equal(expected, segment[..expected.Length]);
        }

        /// <summary>Bytes behind the IP header that are the tunnel's.</summary>
        private int Rest => Kind switch
        {
            Udp => 16 + (4 * Words),
            Gre => 4 + (HasChecksum ? 4 : 0) + (Words > 0 ? 4 : 0),
            _ => 0,
        };

        private static void Write(byte[] to, int at, int value) => BinaryPrimitives.WriteUInt16BigEndian(to.AsSpan(at), (ushort)value);

        private static void Take(byte[] to, byte[] from, int at) => from.AsSpan(at, 2).CopyTo(to.AsSpan(at));
    }
}
