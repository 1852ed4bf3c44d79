using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Tests.Model.Fuzz;

/// <summary>
/// Messages as a client would send them, every field of them now and then a bad one, a byte of them now and then another. All that is
/// in them follows from the random numbers.
/// </summary>
/// <param name="random">Where they come from.</param>
/// <param name="control">Memory of this process for CSB mode: two arrays of <see cref="ControlEntries"/> entries.</param>
/// <param name="spared">Id of a memory that nobody joins: who does may write into its frames, as with netmap.</param>
internal sealed unsafe class FuzzMessages(Random random, ulong control, int spared)
{
    public const int ControlEntries = 64;

    private static readonly string[] s_names =
        ["vale0:a", "vale0:b", "vale1:a", "x{1", "x}1", "x{2", "y}7", "vale0:p{3", "vale0:p}3", "f0", "f1", "vale2:f0", "vale2:f1", "vale0:", "vale", "", "nosuch0", "{", "x{99999"];

    private static readonly uint[] s_modes =
        [NetmapReq.NR_REG_ALL_NIC, NetmapReq.NR_REG_PIPE_MASTER, NetmapReq.NR_REG_PIPE_SLAVE, NetmapReq.NR_REG_ONE_NIC, NetmapReq.NR_REG_SW, NetmapReq.NR_REG_NIC_SW, NetmapReq.NR_REG_NULL, NetmapReq.NR_REG_ONE_SW, 0];

    private static readonly uint[] s_ioctls = [NetmapH.NIOCREGIF, NetmapH.NIOCGINFO, NetmapH.NIOCTXSYNC, NetmapH.NIOCRXSYNC, NetmapH.NIOCCONFIG, 0];

    private static readonly string[] s_words = ["", "generic_mit", "generic_mit=5000", "buf_num=4096", "bridges=8", "nonsense", "generic_ringsize=x", "vale0:a", "x{1", "=", "a=b=c", "\0"];

    private readonly Message _message = new(NmsH.NMS_REQUEST_MAX + 64);
    private bool _addresses;

    /// <summary>How many descriptors go with the message begun last.</summary>
    public int Descriptors { get; private set; }

    /// <summary>True once in so many times.</summary>
    public bool Now(int often) => random.Next(often) == 0;

    public T One<T>(params T[] values) => values[random.Next(values.Length)];

    /// <summary>A small number, an edge, or anything.</summary>
    public uint Number(int likely) => random.Next(12) switch
    {
        0 => 0,
        1 => uint.MaxValue,
        2 => (uint)random.Next(),
        3 => (uint)random.Next(70_000),
        _ => (uint)random.Next(likely + 1),
    };

    public byte[] Next()
    {
        Descriptors = Now(30) ? random.Next(6) : 0;
        _addresses = false;
        _ = random.Next(21) switch
        {
            < 11 => Control(),
            11 => Legacy(),
            12 or 13 => _message.Begin(NmsH.NMS_MAP).Append(new nms_map { offset = Now(4) ? Number(4096) : 0, length = Now(3) ? (ulong)random.NextInt64() : Number(1 << 20) }),
            14 => Words(One(NmsH.NMS_INFO, NmsH.NMS_PROBE)),
            15 => Words(NmsH.NMS_STATISTICS),
            16 => Words(NmsH.NMS_PARAMETER),
            17 => _message.Begin(NmsH.NMS_STATUS),
            18 => Ioctl(One(s_ioctls), Junk(300)),
            19 => Filter(),
            _ => _message.Begin((ushort)random.Next(300)).Append(Junk(100)),
        };
        byte[] bytes = Now(40) ? [.. _message.Bytes, .. Junk(9000)] : _message.Bytes.ToArray();
        // Another address of CSB mode might be a good one: the server would write there, and the clients are in its own process.
        int most = _addresses ? Math.Min(bytes.Length, sizeof(nms_header) + sizeof(nms_ioctl) + sizeof(nmreq_header)) : bytes.Length;
        for (int i = Now(6) ? random.Next(1, 4) : 0; i > 0; i--)
            bytes[random.Next(most)] ^= (byte)(1 << random.Next(8));
        Spare(bytes);
        return Now(60) ? bytes[..random.Next(bytes.Length + 1)] : bytes;
    }

    /// <summary>A good REGISTER, so that what comes after it finds a port.</summary>
    public byte[] Register()
    {
        Descriptors = 0;
        (string name, uint mode) = One(("vale0:a", NetmapReq.NR_REG_ALL_NIC), ("vale0:b", NetmapReq.NR_REG_ALL_NIC), ("vale1:a", NetmapReq.NR_REG_ALL_NIC), ("x", NetmapReq.NR_REG_PIPE_MASTER), ("x", NetmapReq.NR_REG_PIPE_SLAVE));
        return Request(NetmapReq.NETMAP_REQ_REGISTER, name, Bytes(new nmreq_register { nr_mode = mode, nr_ringid = (ushort)(mode == NetmapReq.NR_REG_ALL_NIC ? 0 : 1), nr_extra_bufs = Now(3) ? 10u : 0 }), []).Bytes.ToArray();
    }

    private void Spare(byte[] bytes)
    {
        Span<byte> image = bytes.AsSpan(Math.Min(bytes.Length, sizeof(nms_header) + sizeof(nms_ioctl)));
        Spare(image, Marshal.OffsetOf<nmreq>(nameof(nmreq.nr_arg2)));
        if (!MemoryMarshal.TryRead(image, out nmreq_header header))
            return;
        Spare(image, (long)header.nr_body + Marshal.OffsetOf<nmreq_register>(nameof(nmreq_register.nr_mem_id)));
        Spare(image, (long)header.nr_body + Marshal.OffsetOf<nmreq_vale_newif>(nameof(nmreq_vale_newif.nr_mem_id)));
    }

    private void Spare(Span<byte> image, long at)
    {
        if (at >= 0 && at < image.Length - 1 && BinaryPrimitives.ReadUInt16LittleEndian(image[(int)at..]) == spared)
            image[(int)at] = 0;
    }

    private Message Control()
    {
        ushort type = Now(3) ? NetmapReq.NETMAP_REQ_REGISTER : Now(20) ? (ushort)random.Next() : (ushort)random.Next(17);
        byte[] body = Body(type);
        if (Now(8) && body.Length > 0)
            body[random.Next(body.Length)] = (byte)random.Next(256);
        List<byte[]> options = [];
        for (int i = Now(3) ? random.Next(1, 4) : 0; i > 0; i--)
            options.Add(Option());
        return Request(type, One(s_names), body, options);
    }

    private byte[] Body(ushort type) => type switch
    {
        NetmapReq.NETMAP_REQ_REGISTER => Bytes(Registration()),
        NetmapReq.NETMAP_REQ_PORT_INFO_GET => Bytes(new nmreq_port_info_get { nr_mem_id = (ushort)Number(3) }),
        NetmapReq.NETMAP_REQ_VALE_ATTACH => Bytes(new nmreq_vale_attach { reg = Registration() }),
        NetmapReq.NETMAP_REQ_VALE_DETACH => Bytes(new nmreq_vale_detach { port_index = Number(4) }),
        NetmapReq.NETMAP_REQ_VALE_LIST => Bytes(new nmreq_vale_list { nr_bridge_idx = (ushort)Number(4), nr_port_idx = Number(4) }),
        NetmapReq.NETMAP_REQ_PORT_HDR_SET or NetmapReq.NETMAP_REQ_PORT_HDR_GET => Bytes(new nmreq_port_hdr { nr_hdr_len = One(0u, 10u, 12u, Number(20)) }),
        NetmapReq.NETMAP_REQ_VALE_NEWIF => Bytes(new nmreq_vale_newif
        {
            nr_tx_slots = Number(300),
            nr_rx_slots = Number(300),
            nr_tx_rings = (ushort)Number(3),
            nr_rx_rings = (ushort)Number(3),
            nr_mem_id = (ushort)Number(2),
        }),
        NetmapReq.NETMAP_REQ_VALE_POLLING_ENABLE or NetmapReq.NETMAP_REQ_VALE_POLLING_DISABLE =>
            Bytes(new nmreq_vale_polling { nr_mode = Number(2), nr_first_cpu_id = Number(2), nr_num_polling_cpus = Number(2) }),
        NetmapReq.NETMAP_REQ_POOLS_INFO_GET => Bytes(new nmreq_pools_info { nr_mem_id = (ushort)Number(3) }),
        NetmapReq.NETMAP_REQ_SYNC_KLOOP_START => Bytes(new nmreq_sync_kloop_start { sleep_us = Number(1000) }),
        _ => Now(8) ? Junk(64) : [],
    };

    private nmreq_register Registration() => new()
    {
        nr_tx_slots = Now(3) ? Number(2000) : 0,
        nr_rx_slots = Now(3) ? Number(2000) : 0,
        nr_tx_rings = (ushort)(Now(4) ? Number(4) : 0),
        nr_rx_rings = (ushort)(Now(4) ? Number(4) : 0),
        nr_host_tx_rings = (ushort)(Now(9) ? Number(4) : 0),
        nr_mem_id = (ushort)(Now(4) ? Number(4) : 0),
        nr_ringid = (ushort)(Now(2) ? Number(3) : 0),
        nr_mode = One(s_modes),
        nr_extra_bufs = Now(4) ? Number(200) : 0,
        nr_flags = Now(3) ? One(0x100u, 0x300u, 0x700u, 0x600u, 0x800u, 0x2000u, 0x4000u, 0x6000u, 0x8000u, 0x10000u, 0x20000u, Number(0x3ffff)) : 0,
    };

    private byte[] Option()
    {
        uint type = Now(20) ? Number(9) : (uint)random.Next(1, 6);
        _addresses |= type == NetmapReq.NETMAP_REQ_OPT_CSB;
        byte[] option = type switch
        {
            NetmapReq.NETMAP_REQ_OPT_EXTMEM => External(),
            NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS => EventFds(),
            NetmapReq.NETMAP_REQ_OPT_CSB => Bytes(new nmreq_opt_csb
            {
                csb_atok = control + (Now(6) ? Number(4096) & 4095 : 0),
                csb_ktoa = Now(8) ? One(0ul, 1ul, 64ul, ulong.MaxValue - 63) : control + (ControlEntries * 64),
            }),
            NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_MODE => Bytes(new nmreq_opt_sync_kloop_mode { mode = Number(3) }),
            NetmapReq.NETMAP_REQ_OPT_OFFSETS => Bytes(new nmreq_opt_offsets
            {
                nro_max_offset = Number(2048),
                nro_initial_offset = Now(2) ? 0 : Number(256),
                nro_offset_bits = One(0u, 16u, 32u, 64u, Number(64)),
                nro_tx_align = One(0u, 1u, 64u, Number(128)),
                nro_min_gap = Now(2) ? 0 : Number(2048),
            }),
            _ => [.. Bytes(default(nmreq_option)), .. Junk(60)],
        };
        ref nmreq_option head = ref MemoryMarshal.AsRef<nmreq_option>(option.AsSpan());
        head.nro_reqtype = type;
        if (Now(10))
            head.nro_size = Now(2) ? Number(200) : (ulong)random.NextInt64();
        return option;
    }

    private byte[] External()
    {
        Descriptors++;
        return Bytes(new nmreq_opt_extmem
        {
            nro_usrptr = Now(4) ? Number(5000) : 0,
            nro_info = new()
            {
                nr_memsize = Now(3) ? Number(1 << 24) : 1 << 23,
                nr_if_pool_objtotal = Number(20),
                nr_if_pool_objsize = Now(2) ? 1024 : Number(5000),
                nr_ring_pool_objtotal = Number(20),
                nr_ring_pool_objsize = Now(2) ? 9 * 4096 : Number(50_000),
                nr_buf_pool_objtotal = Number(2000),
                nr_buf_pool_objsize = Now(2) ? 2048 : Number(5000),
            },
        });
    }

    private byte[] EventFds()
    {
        int count = Now(3) ? random.Next(20) : 4;
        byte[] option = new byte[sizeof(nmreq_option) + (8 * count)];
        MemoryMarshal.AsRef<nmreq_option>(option.AsSpan()).nro_size = (ulong)(8 * count);
        Span<int> numbers = MemoryMarshal.Cast<byte, int>(option.AsSpan(sizeof(nmreq_option)));
        for (int i = 0; i < numbers.Length; i++)
            numbers[i] = Now(5) ? -1 : Now(20) ? (int)Number(300) : i;
        Descriptors += random.Next(numbers.Length + 2);
        return option;
    }

    /// <summary>An image (docs/protocol.md): header, body, options; links that are now and then wrong, or a loop.</summary>
    private Message Request(ushort type, string name, byte[] body, List<byte[]> options)
    {
        nmreq_header header = new() { nr_version = Now(30) ? (ushort)random.Next(20) : (ushort)NetmapH.NETMAP_API, nr_reqtype = type };
        byte[] letters = Encoding.Latin1.GetBytes(name);
        letters.CopyTo(new Span<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ));
        if (Now(60))
            new Span<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ).Fill((byte)'v');
        int at = (sizeof(nmreq_header) + body.Length + 7) & ~7;
        header.nr_body = Now(40) ? Link(5000) : body.Length > 0 ? (ulong)sizeof(nmreq_header) : 0;
        header.nr_options = Now(40) ? Link(500) : options.Count > 0 ? (ulong)at : 0;
        List<byte> image = [.. Bytes(header), .. body];
        foreach (byte[] option in options)
        {
            image.AddRange(new byte[at - image.Count]);
            int next = (at + option.Length + 7) & ~7;
            ulong link = Now(20) ? Link(next) : option == options[^1] ? 0 : (ulong)next;
            MemoryMarshal.Write(option, in link);
            image.AddRange(option);
            at = next;
        }
        return Ioctl(NetmapH.NIOCCTRL, [.. image]);
    }

    private ulong Link(int near) => random.Next(4) switch
    {
        0 => NmsH.NMS_LIST_GOES_ON,
        1 => (ulong)random.NextInt64(),
        _ => (ulong)random.Next(near),
    };

    private Message Legacy()
    {
        nmreq request = new()
        {
            nr_version = One(14u, 14u, 11u, 12u, 13u, Number(20)),
            nr_ringid = (ushort)(One(0, 0x1000, 0x2000, 0x4000, 0x8000) | (ushort)(Number(3) & 0xfff)),
            nr_cmd = (ushort)(Now(2) ? 0 : Number(13)),
            nr_arg1 = (ushort)Number(3),
            nr_arg2 = (ushort)Number(3),
            nr_arg3 = Now(3) ? Number(200) : 0,
            nr_flags = One(s_modes) | (Now(3) ? Number(0xffff) : 0),
        };
        Encoding.Latin1.GetBytes(One(s_names)).CopyTo(new Span<byte>(request.nr_name, 16));
        return Ioctl(One(NetmapH.NIOCREGIF, NetmapH.NIOCGINFO), Bytes(request));
    }

    private Message Ioctl(uint request, byte[] image) => _message.Begin(NmsH.NMS_IOCTL).Append(new nms_ioctl
    {
        request = request,
        image_length = (uint)(image.Length + (Now(60) ? random.Next(-50, 50) : 0)),
        flags = Descriptors > 0 && !Now(8) ? NmsH.NMS_IOCTL_EXTMEM : 0,
        extmem_offset = Now(10) ? (ulong)random.NextInt64(-5000, 1 << 24) : 0,
    }).Append(image.AsSpan(0, Math.Min(image.Length, 8000)));

    /// <summary>Most of what is random is no instruction; a verdict at the end makes some of it nearly a filter.</summary>
    private Message Filter()
    {
        byte[] program = Now(2) ? Junk(200) : [];
        int count = (program.Length / sizeof(sock_filter)) + 1;
        return _message.Begin(NmsH.NMS_FILTER).Append(new nms_filter { count = Now(5) ? Number(NmsH.NMS_FILTER_MAX) : (uint)count })
            .Append(program.AsSpan(0, (count - 1) * sizeof(sock_filter))).Append(new sock_filter(LinuxFilter.BPF_RET | LinuxFilter.BPF_K, 0, 0, Number(1)));
    }

    private Message Words(ushort type) => Now(5) ? _message.Begin(type).Append(Junk(400)) : _message.Begin(type).Append(One(s_words));

    private byte[] Junk(int most)
    {
        byte[] bytes = new byte[random.Next(most + 1)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Bytes<T>(in T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();
}
