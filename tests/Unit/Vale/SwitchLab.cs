using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Vale;

/// <summary>
/// An engine with interfaces in memory that a switch may have: <c>n0</c>, <c>n1</c> and <c>n2</c>, each with the far end
/// of its wire, <c>far0</c> …, in our hands; and requests as a C program makes them.
/// </summary>
internal sealed unsafe class SwitchLab : IDisposable
{
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly RawPort _control;

    public SwitchLab(NetmapEngineOptions? options = null, MemoryPairOptions? pair = null)
    {
        Engine = new NetmapEngine(options);
        for (int i = 0; i < 3; i++)
            Engine.AddMemoryPair($"n{i}", $"far{i}", pair);
        _control = new RawPort(Engine);
    }

    public NetmapEngine Engine { get; }

    /// <summary>Why the last request was refused.</summary>
    public NetmapException? Refusal => _control.File.LastRefusal;

    public NetmapPort Open(string name) => NetmapPort.Open(name, engine: Engine);

    public Errno Attach(string name, uint mode = NetmapReq.NR_REG_ALL_NIC, ushort ring = 0, ushort memory = 0) =>
        Attach(name, out _, mode, ring, memory);

    public Errno Attach(string name, out uint index, uint mode = NetmapReq.NR_REG_ALL_NIC, ushort ring = 0, ushort memory = 0)
    {
        nmreq_vale_attach body = new() { reg = new() { nr_mode = mode, nr_ringid = ring, nr_mem_id = memory } };
        Errno result = _control.Control(NetmapReq.NETMAP_REQ_VALE_ATTACH, name, ref body);
        index = body.port_index;
        return result;
    }

    public Errno Detach(string name)
    {
        nmreq_vale_detach body = default;
        return _control.Control(NetmapReq.NETMAP_REQ_VALE_DETACH, name, ref body);
    }

    public Errno NewInterface(string name, ref nmreq_vale_newif body) =>
        _control.Control(NetmapReq.NETMAP_REQ_VALE_NEWIF, name, ref body);

    public Errno NewInterface(string name, ushort memory = 0)
    {
        nmreq_vale_newif body = new() { nr_mem_id = memory };
        return NewInterface(name, ref body);
    }

    public Errno DeleteInterface(string name)
    {
        nmreq_header header = RawPort.Header(NetmapReq.NETMAP_REQ_VALE_DELIF, name);
        return _control.Ioctl(NetmapH.NIOCCTRL, &header);
    }

    /// <summary>VALE_LIST; name and indices come back.</summary>
    public Errno List(ref string name, ref nmreq_vale_list body)
    {
        fixed (nmreq_vale_list* address = &body)
        {
            nmreq_header header = RawPort.Header(NetmapReq.NETMAP_REQ_VALE_LIST, name);
            header.nr_body = (ulong)address;
            Errno result = _control.Ioctl(NetmapH.NIOCCTRL, &header);
            name = PortNames.Read(new ReadOnlySpan<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ));
            return result;
        }
    }

    public Errno Polling(string name, bool enable, uint mode = NetmapReq.NETMAP_POLLING_MODE_SINGLE_CPU, uint first = 0, uint cpus = 1)
    {
        nmreq_vale_polling body = new() { nr_mode = mode, nr_first_cpu_id = first, nr_num_polling_cpus = cpus };
        return _control.Control(enable ? NetmapReq.NETMAP_REQ_VALE_POLLING_ENABLE : NetmapReq.NETMAP_REQ_VALE_POLLING_DISABLE, name, ref body);
    }

    public Errno SetHeader(string name, uint length)
    {
        nmreq_port_hdr body = new() { nr_hdr_len = length };
        return _control.Control(NetmapReq.NETMAP_REQ_PORT_HDR_SET, name, ref body);
    }

    public Errno GetHeader(string name, out uint length)
    {
        nmreq_port_hdr body = new() { nr_hdr_len = 99 };
        Errno result = _control.Control(NetmapReq.NETMAP_REQ_PORT_HDR_GET, name, ref body);
        length = body.nr_hdr_len;
        return result;
    }

    /// <summary>A request as before version 14; the struct comes back.</summary>
    public Errno Legacy(uint request, string name, ref nmreq body)
    {
        body.nr_version = NetmapH.NETMAP_API;
        fixed (nmreq* address = &body)
        {
            PortNames.Write(new Span<byte>(address->nr_name, 16), name);
            return _control.Ioctl(request, address);
        }
    }

    /// <summary>Waits until a port of the public API has frames, and takes them.</summary>
    public static List<byte[]> Receive(NetmapPort port, int frames)
    {
        List<byte[]> got = [];
        while (got.Count < frames)
        {
            Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, Soon));
            foreach (RxRing ring in port.RxRings)
            {
                foreach (RxFrame frame in ring)
                {
                    byte[] copy = new byte[frame.Length];
                    frame.CopyTo(copy);
                    got.Add(copy);
                }
            }
        }
        return got;
    }

    public static void Send(NetmapPort port, params ReadOnlySpan<byte[]> frames)
    {
        foreach (byte[] frame in frames)
            Assert.True(port.TxRings[0].TrySend(frame));
        port.TxSync();
    }

    /// <summary>A frame from one station to another, numbered; 255 is everybody.</summary>
    public static byte[] Frame(byte from, byte to, int number = 0, int length = 60)
    {
        byte[] frame = new byte[length];
        frame.AsSpan(0, 6).Fill(to == 255 ? (byte)255 : (byte)0);
        if (to != 255)
            (frame[0], frame[5]) = (2, to);
        (frame[6], frame[11]) = (2, from);
        (frame[12], frame[13]) = (0x88, 0xb5);
        BitConverter.TryWriteBytes(frame.AsSpan(14), number);
        for (int i = 18; i < length; i++)
            frame[i] = (byte)(number + i);
        return frame;
    }

    public void Dispose()
    {
        _control.Dispose();
        Engine.Dispose();
    }
}
