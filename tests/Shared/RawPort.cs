using System.Text;
using Netmap.Control;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Tests;

/// <summary>An open netmap file as a C program sees it: structs, ioctls, pointers into mapped memory.</summary>
internal sealed unsafe class RawPort : IDisposable
{
    public RawPort(NetmapEngine engine)
        : this(engine.Core)
    {
    }

    public RawPort(Engine engine) => File = engine.Open();

    public NetmapFile File { get; }

    public nmreq_register Register { get; private set; }

    public netmap_if* Interface => (netmap_if*)(Region + Register.nr_offset);

    public byte* Region => File.Registration!.Memory.Region.Address;

    public NetmapMemory Memory => File.Registration!.Memory;

    /// <summary>A header and body as NIOCCTRL takes them.</summary>
    public Errno Control<T>(ushort type, string name, ref T body, ushort version = NetmapH.NETMAP_API, nmreq_option* options = null)
        where T : unmanaged
    {
        fixed (T* address = &body)
        {
            nmreq_header header = Header(type, name, version);
            header.nr_body = (ulong)address;
            header.nr_options = (ulong)options;
            return Ioctl(NetmapH.NIOCCTRL, &header);
        }
    }

    public static nmreq_header Header(ushort type, string name, ushort version = NetmapH.NETMAP_API)
    {
        nmreq_header header = new() { nr_version = version, nr_reqtype = type };
        byte[] bytes = Encoding.ASCII.GetBytes(name);
        bytes.AsSpan(0, Math.Min(bytes.Length, 64)).CopyTo(new Span<byte>(header.nr_name, 64));
        return header;
    }

    public Errno Ioctl(uint request, void* argument) => File.Ioctl(request, (ulong)argument, CallerMemory.Own);

    public Errno Bind(string name, uint mode = NetmapReq.NR_REG_ALL_NIC, ushort ring = 0, ulong flags = 0, uint extra = 0,
        ushort memory = 0, ushort version = NetmapH.NETMAP_API, nint options = 0)
    {
        nmreq_register body = new() { nr_mode = mode, nr_ringid = ring, nr_flags = flags, nr_extra_bufs = extra, nr_mem_id = memory };
        return Bind(name, body, version, options);
    }

    public Errno Bind(string name, nmreq_register body, ushort version = NetmapH.NETMAP_API, nint options = 0)
    {
        Errno result = Control(NetmapReq.NETMAP_REQ_REGISTER, name, ref body, version, (nmreq_option*)options);
        Register = body;
        return result;
    }

    /// <summary>NIOCREGIF, as programs did before version 14.</summary>
    public Errno BindLegacy(string name, uint flags = NetmapReq.NR_REG_ALL_NIC, ushort ring = 0, uint extra = 0)
    {
        nmreq body = new() { nr_version = NetmapH.NETMAP_API, nr_flags = flags, nr_ringid = ring, nr_arg3 = extra };
        Encoding.ASCII.GetBytes(name, new Span<byte>(body.nr_name, 16));
        Errno result = Ioctl(NetmapH.NIOCREGIF, &body);
        Register = new()
        {
            nr_offset = body.nr_offset,
            nr_memsize = body.nr_memsize,
            nr_tx_rings = body.nr_tx_rings,
            nr_rx_rings = body.nr_rx_rings,
            nr_tx_slots = body.nr_tx_slots,
            nr_rx_slots = body.nr_rx_slots,
            nr_mem_id = body.nr_arg2,
            nr_extra_bufs = body.nr_arg3,
        };
        return result;
    }

    public Errno TxSync() => Ioctl(NetmapH.NIOCTXSYNC, null);

    public Errno RxSync() => Ioctl(NetmapH.NIOCRXSYNC, null);

    public short Poll(short events, double milliseconds = 0) =>
        File.Poller.Poll(events, TimeSpan.FromMilliseconds(milliseconds), default);

    public long RingOffset(int entry) => ((long*)(Interface + 1))[entry];

    public netmap_ring* Tx(int ring = 0) => At(ring);

    public netmap_ring* Rx(int ring = 0) => At((int)(Interface->ni_tx_rings + Interface->ni_host_tx_rings) + ring);

    public static netmap_slot* Slots(netmap_ring* ring) => (netmap_slot*)(ring + 1);

    public static byte* Buffer(netmap_ring* ring, uint index) => (byte*)ring + ring->buf_ofs + (index * (long)ring->nr_buf_size);

    public static (uint Head, uint Cur, uint Tail) Indices(netmap_ring* ring) => (ring->head, ring->cur, ring->tail);

    public void Dispose() => File.Dispose();

    private netmap_ring* At(int entry) => (netmap_ring*)((byte*)Interface + RingOffset(entry));
}
