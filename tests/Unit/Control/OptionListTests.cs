using Netmap.Interop;

namespace Netmap.Tests.Unit.Control;

/// <summary>Lists of options, malformed ones above all (spec 3.2).</summary>
public sealed unsafe class OptionListTests : IDisposable
{
    private const ushort Unknown = 9;

    private readonly NetmapEngine _engine = new();
    private readonly RawPort _file;

    public OptionListTests() => _file = new RawPort(_engine);

    public void Dispose()
    {
        _file.Dispose();
        _engine.Dispose();
    }

    /// <summary>Only the header of an option that nobody knows counts, whatever it says of its size.</summary>
    [Fact]
    public void UnknownOptionsMayBeOfAnySize()
    {
        nmreq_option option = new() { nro_reqtype = Unknown, nro_size = 1 << 20 };
        Assert.Equal(Errno.EOPNOTSUPP, Register(&option));
        Assert.Equal((uint)Errno.EOPNOTSUPP, option.nro_status);
        Assert.Equal(Errno.Success, Info(&option));
    }

    [Theory]
    [InlineData(NetmapReq.NETMAP_REQ_OPT_EXTMEM)]
    [InlineData(NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS)]
    [InlineData(NetmapReq.NETMAP_REQ_OPT_CSB)]
    [InlineData(NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_MODE)]
    [InlineData(NetmapReq.NETMAP_REQ_OPT_OFFSETS)]
    public void KnownOnesOfAnImpossibleSizeAreEMSGSIZE(uint type)
    {
        nmreq_option* option = stackalloc nmreq_option[256];
        option[0] = new() { nro_reqtype = type, nro_size = NetmapH.NETMAP_REQ_MAXSIZE + 1, nro_status = 7 };
        Assert.Equal(Errno.EMSGSIZE, Register(option));
        Assert.Equal(0u, option->nro_status);
        Assert.Equal(Errno.EMSGSIZE, Info(option));
    }

    /// <summary>Its header is there, what follows is not mapped: nobody takes it for an option that is missing.</summary>
    [Theory]
    [InlineData(NetmapReq.NETMAP_REQ_OPT_EXTMEM)]
    [InlineData(NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS)]
    [InlineData(NetmapReq.NETMAP_REQ_OPT_CSB)]
    [InlineData(NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_MODE)]
    [InlineData(NetmapReq.NETMAP_REQ_OPT_OFFSETS)]
    public void OnesThatCannotBeReadAreEFAULT(uint type)
    {
        const int Page = 4096;
        byte* pages = (byte*)SysMman.mmap(null, 2 * Page, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_PRIVATE | SysMman.MAP_ANONYMOUS, -1, 0).Value;
        Assert.Equal(0, SysMman.munmap(pages + Page, Page).Value);
        nmreq_option* option = (nmreq_option*)(pages + Page) - 1;
        *option = new() { nro_reqtype = type, nro_size = 40 };
        nmreq_sync_kloop_start start = default;
        Assert.Equal(Errno.EFAULT, Register(option));
        Assert.Equal(Errno.EFAULT, Info(option));
        Assert.Equal(Errno.EFAULT, _file.Control(NetmapReq.NETMAP_REQ_SYNC_KLOOP_START, "x{1", ref start, options: option));
        Assert.Equal(Errno.EFAULT, Bare(NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, option));
        Assert.Equal(Errno.EFAULT, Bare(NetmapReq.NETMAP_REQ_CSB_ENABLE, option));
        Assert.Equal(0, SysMman.munmap(pages, Page).Value);
    }

    [Fact]
    public void WhatSpoilsAListIsMarkedAndNothingElse()
    {
        nmreq_option* options = stackalloc nmreq_option[4];
        options[0] = new() { nro_reqtype = Unknown, nro_status = 7, nro_next = (ulong)(options + 1) };
        options[1] = new() { nro_reqtype = 0, nro_status = 7, nro_next = (ulong)options };
        Assert.Equal(Errno.EINVAL, Register(options));
        Assert.Equal((0u, (uint)Errno.EINVAL), (options[0].nro_status, options[1].nro_status));

        // Two that are not even whole: a loop of one.
        options[0].nro_status = 7;
        options[1] = new() { nro_reqtype = NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS, nro_size = 24, nro_next = (ulong)(options + 1) };
        Assert.Equal(Errno.EINVAL, Register(options));
        Assert.Equal((0u, (uint)Errno.EINVAL), (options[0].nro_status, options[1].nro_status));
    }

    [Fact]
    public void RequestsWithoutABodyReportOptionsToo()
    {
        Assert.Equal(Errno.Success, _file.Bind("x{1"));
        nmreq_option option = new() { nro_reqtype = Unknown };
        Assert.Equal(Errno.Success, Bare(NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, &option));
        Assert.Equal((uint)Errno.EOPNOTSUPP, option.nro_status);
        option.nro_reqtype = 0;
        Assert.Equal(Errno.EINVAL, Bare(NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, &option));
        Assert.Equal((uint)Errno.EINVAL, option.nro_status);
    }

    private Errno Register(nmreq_option* options) => _file.Bind("x{1", options: (nint)options);

    private Errno Info(nmreq_option* options)
    {
        nmreq_port_info_get info = default;
        return _file.Control(NetmapReq.NETMAP_REQ_PORT_INFO_GET, "x{1", ref info, options: options);
    }

    private Errno Bare(ushort type, nmreq_option* options)
    {
        nmreq_header header = RawPort.Header(type, "x{1");
        header.nr_options = (ulong)options;
        return _file.Ioctl(NetmapH.NIOCCTRL, &header);
    }
}
