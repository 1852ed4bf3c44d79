using Netmap.Interop;

namespace Netmap.Tests.Unit.Control;

/// <summary>NETMAP_REQ_OPT_OFFSETS as a C program sends it: each refusal, its status, and what comes back (spec 3.1, 10).</summary>
public sealed unsafe class OffsetsOptionTests : IDisposable
{
    private readonly NetmapEngine _engine = new();

    public OffsetsOptionTests() => _engine.AddMemoryPair("m0", "m1");

    public void Dispose() => _engine.Dispose();

    [Theory]
    [InlineData("m0", 0ul, 0ul, 65u)]
    [InlineData("vale0:a", 0ul, 2049ul, 0u)]
    [InlineData("m0", 0ul, 2049ul, 0u)]
    [InlineData("x{1", 0ul, 256ul, 8u)]
    [InlineData("vale0:a", 0ul, 1ul << 40, 64u)]
    [InlineData("m0", 65ul, 64ul, 16u)]
    [InlineData("x}1", ulong.MaxValue, 64ul, 0u)]
    public void ImpossibleOffsetsAreEINVAL(string port, ulong initial, ulong max, uint bits)
    {
        using RawPort file = new(_engine);
        nmreq_opt_offsets option = Option(initial, max, bits);
        Assert.Equal(Errno.EINVAL, Bind(file, port, &option));
        Assert.Equal(((uint)Errno.EINVAL, max), (option.nro_opt.nro_status, option.nro_max_offset));
        // Nothing is left behind: the file binds, without offsets.
        Assert.Equal(Errno.Success, file.Bind(port));
        Assert.Equal(0ul, file.Tx()->offset_mask);
    }

    [Theory]
    [InlineData("m0", 2048ul, 0u, ulong.MaxValue)]
    [InlineData("vale0:a", 255ul, 8u, 0xfful)]
    [InlineData("x{1", 100ul, 64u, ulong.MaxValue)]
    [InlineData("x}1", 0ul, 1u, 1ul)]
    public void AcceptedOnesReachEverySlot(string port, ulong max, uint bits, ulong mask)
    {
        using RawPort file = new(_engine);
        ulong initial = max / 2;
        nmreq_opt_offsets option = Option(initial, max, bits);
        Assert.Equal(Errno.Success, Bind(file, port, &option));
        Assert.Equal((0u, max), (option.nro_opt.nro_status, option.nro_max_offset));
        foreach (nint address in new[] { (nint)file.Tx(), (nint)file.Rx() })
        {
            netmap_ring* ring = (netmap_ring*)address;
            Assert.Equal((mask, 0ul), (ring->offset_mask, ring->buf_align));
            for (uint i = 0; i < ring->num_slots; i++)
                Assert.Equal(initial, RawPort.Slots(ring)[i].ptr);
        }
    }

    [Fact]
    public void ASecondUserStaysWithinWhatTheFirstSaid()
    {
        using RawPort first = new(_engine);
        using RawPort second = new(_engine);
        nmreq_opt_offsets option = Option(10, 100, 8);
        Assert.Equal(Errno.Success, Bind(first, "m0", &option));
        option = Option(0, 101, 8);
        Assert.Equal(Errno.EBUSY, Bind(second, "m0", &option));
        Assert.Equal((uint)Errno.EBUSY, option.nro_opt.nro_status);
        option = Option(0, 100, 9);
        Assert.Equal(Errno.EBUSY, Bind(second, "m0", &option));
        option = Option(0, 50, 7);
        Assert.Equal(Errno.Success, Bind(second, "m0", &option));
        // The first one's hold, and its slots stay as they are.
        Assert.Equal((0u, 100ul), (option.nro_opt.nro_status, option.nro_max_offset));
        Assert.Equal((0xfful, 10ul), (second.Tx()->offset_mask, RawPort.Slots(second.Tx())->ptr));
    }

    [Fact]
    public void ZeroCopyMonitorsHaveNone()
    {
        using RawPort port = new(_engine);
        using RawPort monitor = new(_engine);
        using RawPort late = new(_engine);
        nmreq_opt_offsets option = Option(0, 100, 0);
        Assert.Equal(Errno.Success, port.Bind("m0"));
        Assert.Equal(Errno.EOPNOTSUPP, Bind(monitor, "m0", &option, NetmapH.NR_ZCOPY_MON));
        Assert.Equal((uint)Errno.EOPNOTSUPP, option.nro_opt.nro_status);
        Assert.Equal(Errno.Success, monitor.Bind("m0", flags: NetmapH.NR_ZCOPY_MON));
        // Nor do they look at ports that have them.
        Assert.Equal(Errno.EBUSY, Bind(late, "m0", &option));
        monitor.Dispose();
        Assert.Equal(Errno.Success, Bind(late, "m0", &option));
        using RawPort again = new(_engine);
        Assert.Equal(Errno.EOPNOTSUPP, again.Bind("m0", flags: NetmapH.NR_ZCOPY_MON));
    }

    [Fact]
    public void AFailureLaterInTheRequestUndoesThem()
    {
        using RawPort first = new(_engine);
        using RawPort second = new(_engine);
        Assert.Equal(Errno.Success, first.Bind("m0"));
        nmreq_option unknown = new() { nro_reqtype = 9, nro_size = 24 };
        nmreq_opt_offsets option = Option(8, 8, 0);
        option.nro_opt.nro_next = (ulong)&unknown;
        Assert.Equal(Errno.EOPNOTSUPP, Bind(second, "m0", &option));
        Assert.Equal((0u, (uint)Errno.EOPNOTSUPP), (option.nro_opt.nro_status, unknown.nro_status));
        Assert.Equal(0ul, first.Tx()->offset_mask);
    }

    [Fact]
    public void OtherRequestsOnlyReportIt()
    {
        using RawPort file = new(_engine);
        nmreq_opt_offsets option = Option(8, 8, 0);
        nmreq_port_info_get info = default;
        Assert.Equal(Errno.Success, file.Control(NetmapReq.NETMAP_REQ_PORT_INFO_GET, "m0", ref info, options: (nmreq_option*)&option));
        Assert.Equal((uint)Errno.EOPNOTSUPP, option.nro_opt.nro_status);
    }

    [Fact]
    public void TwoOfThemAreEINVAL()
    {
        using RawPort file = new(_engine);
        nmreq_opt_offsets one = Option(8, 8, 0);
        nmreq_opt_offsets two = one;
        one.nro_opt.nro_next = (ulong)&two;
        Assert.Equal(Errno.EINVAL, Bind(file, "m0", &one));
        Assert.Equal(((uint)Errno.EINVAL, (uint)Errno.EINVAL), (one.nro_opt.nro_status, two.nro_opt.nro_status));
    }

    [Fact]
    public void FramesWaitingInAPipeKeepTheirPlace()
    {
        using NetmapPort tx = NetmapPort.Open("netmap:x{2", new() { Offsets = new() { Initial = 16, Max = 64 } }, _engine);
        byte[] frame = [.. Enumerable.Range(0, 60).Select(i => (byte)i)];
        tx.TxRings[0].TrySend(frame);
        tx.TxSync();
        using NetmapPort rx = NetmapPort.Open("netmap:x}2", new() { Offsets = new() { Initial = 48, Max = 64 } }, _engine);
        rx.RxSync();
        Assert.Equal((16, 48), (rx.RxRings[0].Offset(0), rx.RxRings[0].Offset(1)));
        Assert.True(rx.RxRings[0].Data(0).StartsWith(frame));
    }

    private static Errno Bind(RawPort file, string port, nmreq_opt_offsets* option, ulong flags = 0) =>
        file.Bind(port, flags: flags, options: (nint)option);

    private static nmreq_opt_offsets Option(ulong initial, ulong max, uint bits) => new()
    {
        nro_opt = new() { nro_reqtype = NetmapReq.NETMAP_REQ_OPT_OFFSETS },
        nro_initial_offset = initial,
        nro_max_offset = max,
        nro_offset_bits = bits,
    };
}
