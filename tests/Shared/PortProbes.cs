using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Tests;

/// <summary>
/// The probes of spec 15.2, with the answers measured on the reference. Run on the in-memory device and on veth, which
/// answer as written here, and on ports without an interface, which say where they differ.
/// </summary>
public abstract unsafe class PortProbes : IDisposable
{
    private readonly NetmapEngine _engine = new();

    /// <summary>An interface that is up, in the calling thread's namespace.</summary>
    protected abstract string Port { get; }

    protected NetmapEngine Engine => _engine;

    /// <summary>Memory as measured: bytes of the region (and a page more, for zero-copy), mem_id, and NI_PRIV_MEM or 0.</summary>
    protected virtual (ulong Bytes, ushort Id, uint Flags) Memory => (343019520 + 4096, 1, 0);

    /// <summary>
    /// Pools as POOLS_INFO_GET says: where each begins, how many objects, of how many bytes. Buffers of the global memory
    /// begin 256 bytes later than the reference's, as zero-copy drivers want it.
    /// </summary>
    protected virtual (ulong Offset, uint Count, uint Size)[] Pools =>
        [(0, 100, 1024), (102400, 200, 36864), (7475200 + 256, 163840, 2048)];

    protected virtual ushort HostRings => 1;

    /// <summary>A transmit ring's tail after four slots were sent that hold nothing good.</summary>
    protected virtual uint TailAfterFourBadSlots => 3;

    /// <summary>A mode that is accepted where no ring is asked for.</summary>
    protected virtual uint ModeWithoutRings => 99;

    /// <summary>How many extra buffers are granted of so many.</summary>
    protected virtual uint Granted(uint asked) => Math.Min(asked, 161790);

    public virtual void Dispose()
    {
        _engine.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Runs on a thread that sees the interface.</summary>
    protected virtual void Here(Action probe) => probe();

    [Theory]
    [InlineData("nosuch0")]
    [InlineData("")]
    [InlineData("netmap:x")]
    [InlineData("aaaaaaaaaaaaaaaaa")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void UnknownNamesAreENXIO(string name) => Here(() =>
    {
        using RawPort port = new(_engine);
        Assert.Equal(Errno.ENXIO, port.Bind(name));
        if (name.Length > 0)
        {
            nmreq_port_info_get info = default;
            Assert.Equal(Errno.ENXIO, port.Control(NetmapReq.NETMAP_REQ_PORT_INFO_GET, name, ref info));
        }
    });

    [Fact]
    public void ValeWithoutColonIsENOMEM() => Here(() =>
    {
        using RawPort port = new(_engine);
        Assert.Equal(Errno.ENOMEM, port.Bind("vale"));
        Assert.Equal(Errno.ENOMEM, port.Bind("valex"));
    });

    [Fact]
    public void BadModesAndMemoriesAreEINVAL() => Here(() =>
    {
        using RawPort port = new(_engine);
        Assert.Equal(Errno.EINVAL, port.Bind(Port, mode: 0));
        Assert.Equal(Errno.EINVAL, port.Bind(Port, mode: 99));
        Assert.Equal(Errno.EINVAL, port.Bind(Port, mode: NetmapReq.NR_REG_PIPE_MASTER));
        Assert.Equal(Errno.EINVAL, port.Bind(Port, memory: 777));
        Assert.Equal(Errno.EINVAL, port.Bind(Port, mode: NetmapReq.NR_REG_ONE_NIC, ring: 64));
        Assert.Equal(Errno.EINVAL, port.Bind(Port, mode: NetmapReq.NR_REG_ONE_SW, ring: 5));
    });

    [Theory]
    [InlineData(10, false)]
    [InlineData(13, false)]
    [InlineData(14, true)]
    [InlineData(15, true)]
    [InlineData(16, false)]
    public void VersionsFourteenAndFifteenAreAccepted(ushort version, bool accepted) => Here(() =>
    {
        using RawPort port = new(_engine);
        Assert.Equal(accepted ? Errno.Success : Errno.EINVAL, port.Bind(Port, version: version));
    });

    [Fact]
    public void BadAddressesAndRequestsAreRefused() => Here(() =>
    {
        using RawPort port = new(_engine);
        Assert.Equal(Errno.EFAULT, port.Ioctl(NetmapH.NIOCCTRL, (void*)0x1000));
        Assert.Equal(Errno.EINVAL, port.Ioctl(NetmapH.NIOCCTRL, null));
        Assert.Equal(Errno.EINVAL, port.Ioctl(NetmapH.NIOCREGIF, null));
        Assert.Equal(Errno.EOPNOTSUPP, port.Ioctl(0xC0001234, null));
        nmreq_header header = RawPort.Header(NetmapReq.NETMAP_REQ_REGISTER, Port);
        header.nr_body = 0x1000;
        Assert.Equal(Errno.EFAULT, port.Ioctl(NetmapH.NIOCCTRL, &header));
        header.nr_body = 0;
        Assert.Equal(Errno.EINVAL, port.Ioctl(NetmapH.NIOCCTRL, &header));
        header.nr_body = (ulong)&header;
        header.nr_reserved = 1;
        Assert.Equal(Errno.EINVAL, port.Ioctl(NetmapH.NIOCCTRL, &header));
    });

    [Fact]
    public void AnUnboundFileKnowsNothing() => Here(() =>
    {
        using RawPort port = new(_engine);
        Assert.Equal(Errno.ENXIO, port.TxSync());
        Assert.Equal(Errno.ENXIO, port.RxSync());
        Assert.Equal(Poll.POLLERR, port.Poll(Poll.POLLIN | Poll.POLLOUT));
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => port.File.Map(0, 4096)).ErrorName);
    });

    [Fact]
    public void ASecondRegisterIsEBUSY() => Here(() =>
    {
        using RawPort port = new(_engine);
        Assert.Equal(Errno.Success, port.Bind(Port));
        Assert.Equal(Errno.EBUSY, port.Bind(Port));
    });

    [Fact]
    public void AllNicIgnoresTheRingNumber() => Here(() =>
    {
        using RawPort port = new(_engine);
        Assert.Equal(Errno.Success, port.Bind(Port, ring: 77));
    });

    [Fact]
    public void DefaultsAreThoseMeasured() => Here(() =>
    {
        using RawPort port = new(_engine);
        Assert.Equal(Errno.Success, port.Bind(Port));
        nmreq_register got = port.Register;
        Assert.Equal((1024u, 1024u, Memory.Bytes, Memory.Id), (got.nr_tx_slots, got.nr_rx_slots, got.nr_memsize, got.nr_mem_id));
        Assert.Equal((1, 1, HostRings, HostRings), ((int)got.nr_tx_rings, (int)got.nr_rx_rings, got.nr_host_tx_rings, got.nr_host_rx_rings));
        Assert.Equal((0u, Memory.Flags, 1u, 1u), (port.Interface->ni_version, port.Interface->ni_flags, port.Interface->ni_host_tx_rings, port.Interface->ni_host_rx_rings));
        Assert.Equal((0u, 0u, 1023u), RawPort.Indices(port.Tx()));
        Assert.Equal((0u, 0u, 0u), RawPort.Indices(port.Rx()));
        Assert.Equal((1, 0), ((int)port.Tx()->dir, (int)port.Rx()->dir));
        Assert.Equal((2u, 1026u), (RawPort.Slots(port.Rx())->buf_idx, RawPort.Slots(port.Tx())->buf_idx));
        Assert.Equal((2048, 0), ((int)RawPort.Slots(port.Tx())->len, (int)RawPort.Slots(port.Tx())->flags));
        Assert.Equal((0L, 0L), (port.RingOffset(1), port.RingOffset(3)));
    });

    [Fact]
    public void PoolsAreWhereTheReferencePutsThem() => Here(() =>
    {
        using RawPort port = new(_engine);
        nmreq_pools_info pools = default;
        Assert.Equal(Errno.ENXIO, port.Control(NetmapReq.NETMAP_REQ_POOLS_INFO_GET, "", ref pools));
        Assert.Equal(Errno.Success, port.Control(NetmapReq.NETMAP_REQ_POOLS_INFO_GET, Port, ref pools));
        Assert.Equal(Memory.Bytes, pools.nr_memsize);
        (ulong, uint, uint)[] found =
        [
            (pools.nr_if_pool_offset, pools.nr_if_pool_objtotal, pools.nr_if_pool_objsize),
            (pools.nr_ring_pool_offset, pools.nr_ring_pool_objtotal, pools.nr_ring_pool_objsize),
            (pools.nr_buf_pool_offset, pools.nr_buf_pool_objtotal, pools.nr_buf_pool_objsize),
        ];
        Assert.Equal(Pools, found);
    });

    [Theory]
    [InlineData(1029, 0)]
    [InlineData(1029, 1029)]
    [InlineData(0, 1029)]
    public void TxIndicesBeyondTheRingResetIt(uint head, uint cur) => Here(() =>
    {
        using RawPort port = new(_engine);
        port.Bind(Port);
        (port.Tx()->head, port.Tx()->cur) = (head, cur);
        Assert.Equal(Errno.Success, port.TxSync());
        Assert.Equal((0u, 0u, 1023u), RawPort.Indices(port.Tx()));

        (port.Tx()->head, port.Tx()->cur) = (head, cur);
        Assert.Equal(Poll.POLLOUT | Poll.POLLERR, port.Poll(Poll.POLLOUT));
        Assert.Equal((0u, 0u, 1023u), RawPort.Indices(port.Tx()));
    });

    [Fact]
    public void TxIndicesOutOfOrderStay() => Here(() =>
    {
        using RawPort port = new(_engine);
        port.Bind(Port);
        (port.Tx()->head, port.Tx()->cur) = (10, 5);
        Assert.Equal(Errno.Success, port.TxSync());
        Assert.Equal((10u, 5u, 1023u), RawPort.Indices(port.Tx()));
        // The next valid use works.
        (port.Tx()->head, port.Tx()->cur) = (0, 0);
        Assert.Equal(Poll.POLLOUT, port.Poll(Poll.POLLOUT));
    });

    [Fact]
    public void ATailWrittenOverIsRestored() => Here(() =>
    {
        using RawPort port = new(_engine);
        port.Bind(Port);
        port.Tx()->tail = 3;
        Assert.Equal(Errno.Success, port.TxSync());
        Assert.Equal((0u, 0u, 1023u), RawPort.Indices(port.Tx()));
    });

    [Fact]
    public void RxHeadBeyondTheRingResetsIt() => Here(() =>
    {
        using RawPort port = new(_engine);
        port.Bind(Port);
        port.Rx()->head = 1029;
        Assert.Equal(Errno.Success, port.RxSync());
        Assert.Equal((0u, 0u, 0u), RawPort.Indices(port.Rx()));
    });

    [Theory]
    [InlineData(65535)]
    [InlineData(2049)]
    [InlineData(0)]
    public void BadLengthsAreSentOrDroppedAndTheSlotsComeBack(ushort length) => Here(() =>
    {
        using RawPort port = new(_engine);
        port.Bind(Port);
        for (int i = 0; i < 4; i++)
            RawPort.Slots(port.Tx())[i].len = length;
        (port.Tx()->head, port.Tx()->cur) = (4, 4);
        Assert.Equal(Errno.Success, port.TxSync());
        Assert.Equal((4u, 4u, TailAfterFourBadSlots), RawPort.Indices(port.Tx()));
        Assert.Equal(length, RawPort.Slots(port.Tx())->len);
    });

    [Theory]
    [InlineData(0xffffffff, false)]
    [InlineData(0xffffffff, true)]
    [InlineData(0u, false)]
    [InlineData(0u, true)]
    public void BadBufferIndicesAreLeftAlone(uint index, bool changed) => Here(() =>
    {
        using RawPort port = new(_engine);
        port.Bind(Port);
        RawPort.Slots(port.Tx())->buf_idx = index;
        RawPort.Slots(port.Tx())->len = 60;
        RawPort.Slots(port.Tx())->flags = changed ? NetmapH.NS_BUF_CHANGED : (ushort)0;
        (port.Tx()->head, port.Tx()->cur) = (1, 1);
        Assert.Equal(Errno.Success, port.TxSync());
        Assert.Equal((1u, 1u), (port.Tx()->head, port.Tx()->cur));
        Assert.Equal(index, RawPort.Slots(port.Tx())->buf_idx);
    });

    [Fact]
    public void ExclusiveAndSharedExcludeEachOther() => Here(() =>
    {
        using RawPort first = new(_engine);
        using RawPort second = new(_engine);
        using RawPort third = new(_engine);
        Assert.Equal(Errno.Success, first.Bind(Port, flags: NetmapH.NR_EXCLUSIVE));
        Assert.Equal(Errno.EBUSY, second.Bind(Port, flags: NetmapH.NR_EXCLUSIVE));
        Assert.Equal(Errno.EBUSY, second.Bind(Port));
        first.Dispose();
        Assert.Equal(Errno.Success, second.Bind(Port));
        Assert.Equal(Errno.EBUSY, third.Bind(Port, flags: NetmapH.NR_EXCLUSIVE));
        Assert.Equal(Errno.Success, third.Bind(Port));
    });

    [Fact]
    public void MappingsHoldThePort() => Here(() =>
    {
        using RawPort first = new(_engine);
        using RawPort second = new(_engine);
        Assert.Equal(Errno.Success, first.Bind(Port, flags: NetmapH.NR_EXCLUSIVE));
        long size = (long)first.Register.nr_memsize;
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => first.File.Map(0, size + 4096)).ErrorName);
        first.File.Map(4096, 8192).Dispose();
        FileMapping mapping = first.File.Map(0, size);
        Assert.Equal(1u, ((netmap_if*)(mapping.Address + first.Register.nr_offset))->ni_tx_rings);
        first.Dispose();
        Assert.Equal(Errno.EBUSY, second.Bind(Port));
        mapping.Dispose();
        Assert.Equal(Errno.Success, second.Bind(Port));
    });

    [Theory]
    [InlineData(100000u)]
    [InlineData(163840u)]
    [InlineData(1000000u)]
    public void ExtraBuffersAreGrantedAsFarAsTheyGo(uint asked) => Here(() =>
    {
        uint granted = Granted(asked);
        using RawPort port = new(_engine);
        Assert.Equal(Errno.Success, port.Bind(Port, extra: asked));
        Assert.Equal(granted, port.Register.nr_extra_bufs);
        uint count = 0;
        for (uint i = port.Interface->ni_bufs_head; i != 0; i = *(uint*)RawPort.Buffer(port.Tx(), i))
            count++;
        Assert.Equal(granted, count);
    });

    [Fact]
    public void OptionsNobodyUnderstandsRefuseARegisterOnly() => Here(() =>
    {
        using RawPort port = new(_engine);
        nmreq_option option = new() { nro_reqtype = 9, nro_size = 24 };
        nmreq_port_info_get info = default;
        Assert.Equal(Errno.Success, port.Control(NetmapReq.NETMAP_REQ_PORT_INFO_GET, Port, ref info, options: &option));
        Assert.Equal((uint)Errno.EOPNOTSUPP, option.nro_status);
        Assert.Equal(Errno.EOPNOTSUPP, port.Bind(Port, options: (nint)(&option)));
        Assert.Equal((uint)Errno.EOPNOTSUPP, option.nro_status);
        Assert.Equal(Errno.Success, port.Bind(Port));
    });

    [Fact]
    public void BrokenOptionListsAreRefused() => Here(() =>
    {
        using RawPort port = new(_engine);
        nmreq_option* options = stackalloc nmreq_option[2];
        options[0] = new() { nro_reqtype = 0, nro_size = 24 };
        Assert.Equal(Errno.EINVAL, port.Bind(Port, options: (nint)options));
        Assert.Equal((uint)Errno.EINVAL, options[0].nro_status);
        // A known type twice, and a loop of an unknown one.
        options[0] = new() { nro_reqtype = NetmapReq.NETMAP_REQ_OPT_CSB, nro_size = 40, nro_next = (ulong)(options + 1) };
        options[1] = new() { nro_reqtype = NetmapReq.NETMAP_REQ_OPT_CSB, nro_size = 40 };
        Assert.Equal(Errno.EINVAL, port.Bind(Port, options: (nint)options));
        Assert.Equal(((uint)Errno.EINVAL, (uint)Errno.EINVAL), (options[0].nro_status, options[1].nro_status));
        options[0] = new() { nro_reqtype = 9, nro_size = 24, nro_next = (ulong)options };
        Assert.Equal(Errno.EMSGSIZE, port.Bind(Port, options: (nint)options));
        options[0] = new() { nro_reqtype = 9, nro_size = 24, nro_next = 0x1000 };
        Assert.Equal(Errno.EFAULT, port.Bind(Port, options: (nint)options));
    });

    [Fact]
    public void LegacyRequestsWork() => Here(() =>
    {
        using RawPort port = new(_engine);
        nmreq request = new() { nr_version = 11 };
        System.Text.Encoding.ASCII.GetBytes(Port, new Span<byte>(request.nr_name, 16));
        Assert.Equal(Errno.EINVAL, port.Ioctl(NetmapH.NIOCGINFO, &request));
        request.nr_version = 14;
        Assert.Equal(Errno.Success, port.Ioctl(NetmapH.NIOCGINFO, &request));
        Assert.Equal((1024u, (ushort)1, Memory.Id, (uint)Memory.Bytes), (request.nr_tx_slots, request.nr_rx_rings, request.nr_arg2, request.nr_memsize));
        request.nr_ringid = NetmapLegacy.NETMAP_HW_RING | 64;
        Assert.Equal(Errno.EINVAL, port.Ioctl(NetmapH.NIOCREGIF, &request));
        request.nr_ringid = NetmapLegacy.NETMAP_HW_RING | NetmapLegacy.NETMAP_NO_TX_POLL;
        // A port that was there for the question only took its memory with it.
        request.nr_arg2 = 0;
        request.nr_arg3 = 7;
        Assert.Equal(Errno.Success, port.Ioctl(NetmapH.NIOCREGIF, &request));
        Assert.Equal(7u, request.nr_arg3);
        Assert.Single(port.File.Registration!.TxRings);
        request.nr_cmd = NetmapLegacy.NETMAP_PT_HOST_CREATE;
        Assert.Equal(Errno.ENOMEM, port.Ioctl(NetmapH.NIOCREGIF, &request));
        Assert.Equal(Errno.EINVAL, port.Ioctl(NetmapH.NIOCCONFIG, &request));
    });

    [Fact]
    public void OneDirectionOnlyBindsThatDirection() => Here(() =>
    {
        using RawPort tx = new(_engine);
        using RawPort none = new(_engine);
        Assert.Equal(Errno.Success, tx.Bind(Port, flags: NetmapH.NR_TX_RINGS_ONLY));
        Assert.NotEqual(0, tx.RingOffset(0));
        Assert.Equal(0, tx.RingOffset(2));
        Assert.Equal(Errno.Success, none.Bind(Port, mode: ModeWithoutRings, flags: NetmapH.NR_TX_RINGS_ONLY | NetmapH.NR_RX_RINGS_ONLY));
        Assert.Equal((0L, 0L), (none.RingOffset(0), none.RingOffset(2)));
    });
}
