using Netmap.Interop;

namespace Netmap.Tests.Unit.Control;

/// <summary>NETMAP_REQ_OPT_EXTMEM as a C program sends it, with addresses of its own memory (spec 1.4).</summary>
public sealed unsafe class ExternalMemoryTests : IDisposable
{
    private const int Size = 12 << 20;

    private readonly NetmapEngine _engine = new(new() { BufferCount = 8192 });
    private readonly Lent _memory = new(Size);

    public ExternalMemoryTests() => _engine.AddMemoryPair("m0", "m1");

    public void Dispose()
    {
        _engine.Dispose();
        _memory.Dispose();
    }

    [Theory]
    [InlineData("m0")]
    [InlineData("vale0:a")]
    [InlineData("x{1")]
    [InlineData("vale0:b{1")]
    public void RingsLieInTheProgramsMemory(string name)
    {
        using RawPort port = new(_engine);
        nmreq_opt_extmem option = Option(_memory);
        Assert.Equal(Errno.Success, Bind(port, name, &option));
        Assert.Equal(0u, option.nro_opt.nro_status);
        // Zero fields come back as the defaults, bytes and offsets as they were.
        Assert.Equal((2u, 1024u, 4u, 20480u, 4098u, 2048u), (option.nro_info.nr_if_pool_objtotal, option.nro_info.nr_if_pool_objsize,
            option.nro_info.nr_ring_pool_objtotal, option.nro_info.nr_ring_pool_objsize, option.nro_info.nr_buf_pool_objtotal, option.nro_info.nr_buf_pool_objsize));
        Assert.Equal(((ulong)Size, 0ul, 0ul), (option.nro_info.nr_memsize, option.nro_info.nr_ring_pool_offset, option.nro_info.nr_buf_pool_offset));
        Assert.Equal((ulong)Size, port.Register.nr_memsize);
        Assert.NotEqual(1, port.Register.nr_mem_id);
        netmap_if* nif = (netmap_if*)(_memory.Address + port.Register.nr_offset);
        Assert.Equal((NetmapH.NI_PRIV_MEM, name[..2]), (nif->ni_flags, new string((sbyte*)nif->ni_name)[..2]));
        netmap_ring* tx = (netmap_ring*)((byte*)nif + port.RingOffset(0));
        Assert.Equal((1024u, 2048u, 1023u), (tx->num_slots, tx->nr_buf_size, tx->tail));
        // What the engine fills in is seen at the program's own address.
        nmreq_pools_info pools = default;
        Assert.Equal(Errno.Success, port.Control(NetmapReq.NETMAP_REQ_POOLS_INFO_GET, name, ref pools));
        Assert.Equal((0ul, 4096ul, 4096ul + 81920), (pools.nr_if_pool_offset, pools.nr_ring_pool_offset, pools.nr_buf_pool_offset));
        Assert.Equal((2u, 4u, (Size - 86016u) / 2048), (pools.nr_if_pool_objtotal, pools.nr_ring_pool_objtotal, pools.nr_buf_pool_objtotal));
    }

    [Fact]
    public void FramesGoThroughIt()
    {
        using RawPort a = new(_engine);
        using RawPort b = new(_engine);
        nmreq_opt_extmem option = Option(_memory);
        Assert.Equal(Errno.Success, Bind(a, "m0", &option));
        Assert.Equal(Errno.Success, b.Bind("m1"));
        for (int i = 0; i < 3000; i++)
        {
            *(int*)RawPort.Buffer(a.Tx(), RawPort.Slots(a.Tx())[a.Tx()->head].buf_idx) = i;
            RawPort.Slots(a.Tx())[a.Tx()->head].len = 60;
            a.Tx()->head = a.Tx()->cur = (a.Tx()->head + 1) % 1024;
            Assert.Equal(Errno.Success, a.TxSync());
            Assert.Equal(Errno.Success, b.RxSync());
            Assert.Equal(i, *(int*)RawPort.Buffer(b.Rx(), RawPort.Slots(b.Rx())[b.Rx()->head].buf_idx));
            b.Rx()->head = b.Rx()->cur = (b.Rx()->head + 1) % 1024;
        }
        a.Dispose();
        // The port is back in its own memory with the next user.
        using RawPort again = new(_engine);
        Assert.Equal(Errno.Success, again.Bind("m0"));
        Assert.Equal(1, again.Register.nr_mem_id);
    }

    [Fact]
    public void WhoLendsTheSameMemoryJoinsItsAllocator()
    {
        using RawPort a = new(_engine);
        using RawPort b = new(_engine);
        using RawPort other = new(_engine);
        using Lent elsewhere = _memory.MappedAgain(0, Size);
        using Lent part = _memory.MappedAgain(1 << 20, Size - (1 << 20));
        nmreq_opt_extmem option = Option(_memory);
        option.nro_info.nr_if_pool_objtotal = 10;
        option.nro_info.nr_ring_pool_objtotal = 20;
        Assert.Equal(Errno.Success, Bind(a, "x{1", &option));
        // Another address, and a geometry that would not even fit: it is ignored.
        option = Option(elsewhere);
        option.nro_info.nr_buf_pool_objsize = 65536;
        Assert.Equal(Errno.Success, Bind(b, "x}1", &option));
        Assert.Equal(a.Register.nr_mem_id, b.Register.nr_mem_id);
        Assert.True(a.Memory == b.Memory);
        option = Option(part);
        Assert.Equal(Errno.Success, Bind(other, "y{1", &option));
        Assert.NotEqual(a.Register.nr_mem_id, other.Register.nr_mem_id);
    }

    [Fact]
    public void TheMemoryStaysWithItsLastUserAndKeepsItsContents()
    {
        nmreq_opt_extmem option = Option(_memory);
        ushort id;
        using (RawPort port = new(_engine))
        {
            Assert.Equal(Errno.Success, Bind(port, "x{1", &option));
            id = port.Register.nr_mem_id;
            using RawPort byId = new(_engine);
            nmreq_register body = new() { nr_mode = NetmapReq.NR_REG_NULL, nr_mem_id = id, nr_extra_bufs = 5 };
            Assert.Equal(Errno.Success, byId.Bind("any", body));
            Assert.Equal(5u, byId.Register.nr_extra_bufs);
            port.Dispose();
            // The null port has it now.
            Assert.Equal(id, byId.Register.nr_mem_id);
            *(ulong*)(_memory.Address + Size - 8) = 42;
        }
        using RawPort late = new(_engine);
        Assert.Equal(Errno.EINVAL, late.Bind("y{1", memory: id));
        Assert.Equal(42ul, *(ulong*)(_memory.Address + Size - 8));
        // Nobody shares it any more, so the new geometry counts.
        option = Option(_memory);
        option.nro_info.nr_buf_pool_objsize = 4096;
        option.nro_info.nr_buf_pool_objtotal = 2048;
        Assert.Equal(Errno.Success, Bind(late, "y{1", &option));
        Assert.Equal(4096u, late.Tx()->nr_buf_size);
    }

    [Fact]
    public void ANullPortGivesAccessToIt()
    {
        using RawPort port = new(_engine);
        nmreq_opt_extmem option = Option(_memory);
        nmreq_register body = new() { nr_mode = NetmapReq.NR_REG_NULL, nr_extra_bufs = 100 };
        Assert.Equal(Errno.Success, port.Bind("n", body, options: (nint)(&option)));
        Assert.Equal(100u, port.Register.nr_extra_bufs);
        uint last = ((netmap_if*)(_memory.Address + port.Register.nr_offset))->ni_bufs_head;
        Assert.Equal(101u, last);
        Assert.Equal(100u, *(uint*)(_memory.Address + 86016 + (last * 2048)));
    }

    /// <summary>A program would look for rings in memory where none are.</summary>
    [Theory]
    [InlineData("m0", 0ul)]
    [InlineData("vale0:a", 0ul)]
    [InlineData("m0", NetmapH.NR_MONITOR_RX)]
    public void APortInOtherMemoryIsEBUSY(string name, ulong flags)
    {
        using RawPort first = new(_engine);
        using RawPort second = new(_engine);
        Assert.Equal(Errno.Success, first.Bind(name));
        nmreq_opt_extmem option = Option(_memory);
        Assert.Equal(Errno.EBUSY, second.Bind(name, flags: flags, options: (nint)(&option)));
        Assert.Equal(0u, option.nro_opt.nro_status);
        Assert.Contains("cannot move", second.File.LastRefusal!.Message);
        Assert.Equal(Errno.Success, second.Bind(name, flags: flags));
    }

    [Fact]
    public void WhatNobodyElseCouldMapIsRefused()
    {
        using Lent anonymous = new(Size, SysMman.MAP_PRIVATE | SysMman.MAP_ANONYMOUS);
        using Lent copy = new(Size, SysMman.MAP_PRIVATE);
        using Lent shorter = new(Size / 2, length: Size);
        Refused(Errno.EOPNOTSUPP, Option(anonymous));
        Refused(Errno.EOPNOTSUPP, Option(copy));
        // Beyond the end of the file; never mapped; not to be written.
        Refused(Errno.EFAULT, Option(shorter));
        Refused(Errno.EFAULT, new() { nro_info = new() { nr_memsize = Size } });
        Refused(Errno.EFAULT, new() { nro_usrptr = ulong.MaxValue - 4095, nro_info = new() { nr_memsize = Size } });
        using Lent readOnly = new(Size, protection: SysMman.PROT_READ);
        Refused(Errno.EFAULT, Option(readOnly));
        nmreq_opt_extmem askew = Option(_memory, Size / 2);
        askew.nro_usrptr += 64;
        Refused(Errno.EINVAL, askew);
    }

    [Fact]
    public void GeometriesThatDoNotFitAreRefused()
    {
        Refused(Errno.ENOMEM, Option(_memory, 4 << 20));
        Refused(Errno.ENOMEM, Option(_memory, 0));
        nmreq_opt_extmem option = Option(_memory);
        option.nro_info.nr_ring_pool_objtotal = uint.MaxValue;
        Refused(Errno.ENOMEM, option);
        option = Option(_memory);
        option.nro_info.nr_buf_pool_objtotal = (Size / 2048) - 40;
        Refused(Errno.ENOMEM, option);
        foreach (uint size in new uint[] { 32, 100, 131073, uint.MaxValue })
        {
            option = Option(_memory);
            option.nro_info.nr_ring_pool_objsize = size;
            Refused(Errno.EINVAL, option);
        }
        option = Option(_memory);
        option.nro_info.nr_buf_pool_objsize = 63;
        Refused(Errno.EINVAL, option);
        // Rings too small for their slots: found when they are made, as of any allocator.
        option = Option(_memory);
        option.nro_info.nr_ring_pool_objsize = 4096;
        Refused(Errno.ENOMEM, option, status: 0);
    }

    [Fact]
    public void BuffersOfAnySizeAndNotMoreThanFit()
    {
        using RawPort port = new(_engine);
        nmreq_opt_extmem option = Option(_memory);
        option.nro_info.nr_buf_pool_objsize = 1500;
        Assert.Equal(Errno.Success, Bind(port, "x{1", &option));
        Assert.Equal(((Size - 86016u) / 1500, 1500), (port.Memory.BufferCount, port.Memory.BufferSize));
        Assert.True(port.Memory.Bytes <= Size);
    }

    private void Refused(Errno errno, nmreq_opt_extmem option, int? status = null)
    {
        using RawPort port = new(_engine);
        option.nro_opt.nro_reqtype = NetmapReq.NETMAP_REQ_OPT_EXTMEM;
        Assert.Equal(errno, Bind(port, "x{1", &option));
        Assert.Equal(status is null ? (uint)errno : (uint)status, option.nro_opt.nro_status);
        // Nothing is left behind.
        Assert.Equal(Errno.Success, port.Bind("x{1"));
    }

    private static Errno Bind(RawPort port, string name, nmreq_opt_extmem* option) => port.Bind(name, options: (nint)option);

    private static nmreq_opt_extmem Option(Lent memory, long? bytes = null) => new()
    {
        nro_opt = new() { nro_reqtype = NetmapReq.NETMAP_REQ_OPT_EXTMEM },
        nro_usrptr = (ulong)memory.Address,
        nro_info = new() { nr_memsize = (ulong)(bytes ?? memory.Length) },
    };
}
