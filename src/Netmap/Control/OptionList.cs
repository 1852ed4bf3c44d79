using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Control;

/// <summary>
/// The options of a request (spec 3.2), copied from the caller once: each header with its address, so that the status can
/// be written back, and the bodies of those that are understood.
/// </summary>
internal sealed class OptionList
{
    private const uint StatusOffset = 12;

    private readonly List<(ulong Address, nmreq_option Header)> _options = [];
    private CallerMemory _memory;

    /// <summary>True when some option was understood by nobody.</summary>
    public bool HasUnsupported => _options.Any(o => StatusOf(o.Header) == (uint)Errno.EOPNOTSUPP);

    /// <summary>The process whose addresses the options hold.</summary>
    public int ProcessId => _memory.ProcessId;

    /// <summary>OFFSETS, if the list has it.</summary>
    public OffsetsOption? Offsets { get; private set; }

    /// <summary>EXTMEM, if the list has it.</summary>
    public ExternalMemoryOption? External { get; private set; }

    /// <summary>
    /// Reads the list. A list too long for <paramref name="room"/> ends in EMSGSIZE, so a loop in it ends too.
    /// </summary>
    /// <param name="first">Address of the first option, or 0.</param>
    /// <param name="room">Bytes left of NETMAP_REQ_MAXSIZE after the body.</param>
    /// <param name="memory">The caller's memory.</param>
    public Errno Read(ulong first, int room, CallerMemory memory)
    {
        _memory = memory;
        for (ulong address = first; address != 0;)
        {
            Errno read = memory.Read(address, out nmreq_option header);
            if (read != Errno.Success)
                return read;
            int size = SizeOf(header);
            if (size < 0 || size > room)
                return Errno.EMSGSIZE;
            room -= size;
            if (ReadBody(address, header, memory) != Errno.Success)
                return Errno.EFAULT;
            // A known type met twice, a loop included, spoils both.
            _options.Add((address, header));
            if (header.nro_reqtype is > 0 and < NetmapReq.NETMAP_REQ_OPT_MAX
                && _options.Count(o => o.Header.nro_reqtype == header.nro_reqtype) > 1)
                break;
            address = header.nro_next;
        }
        return SetStatus();
    }

    /// <summary>The whole option of this type; false when the list has none, or it cannot be read any more.</summary>
    public bool TryRead<T>(uint type, out T option)
        where T : unmanaged
    {
        option = default;
        int at = _options.FindIndex(known => known.Header.nro_reqtype == type);
        return at >= 0 && _memory.Read(_options[at].Address, out option) == Errno.Success;
    }

    /// <summary>What follows <paramref name="skip"/> bytes of an option whose header tells its size.</summary>
    public bool TryReadAfter(uint type, int skip, out byte[] rest)
    {
        rest = [];
        int at = _options.FindIndex(known => known.Header.nro_reqtype == type);
        if (at < 0)
            return false;
        rest = new byte[Math.Max(0, (int)_options[at].Header.nro_size - skip)];
        return _memory.Read(_options[at].Address + (uint)skip, rest) == Errno.Success;
    }

    /// <summary>Whoever understood the option says how it went.</summary>
    public void Settle(uint type, Errno status)
    {
        int at = _options.FindIndex(known => known.Header.nro_reqtype == type);
        (ulong address, nmreq_option header) = _options[at];
        header.nro_status = (uint)status;
        _options[at] = (address, header);
    }

    /// <summary>Writes every status back, and after success the bodies of options with status 0 (spec 3.1).</summary>
    public Errno WriteBack(CallerMemory memory, bool succeeded)
    {
        Errno result = Errno.Success;
        foreach ((ulong address, nmreq_option header) in _options)
        {
            if (memory.Write(address + StatusOffset, StatusOf(header)) != Errno.Success
                || (succeeded && WriteBody(address, header, memory) != Errno.Success))
                result = Errno.EFAULT;
        }
        return result;
    }

    private Errno ReadBody(ulong address, in nmreq_option header, CallerMemory memory)
    {
        Errno result = Errno.Success;
        switch (header.nro_reqtype)
        {
            case NetmapReq.NETMAP_REQ_OPT_OFFSETS:
                result = memory.Read(address, out nmreq_opt_offsets offsets);
                Offsets = new OffsetsOption(offsets);
                break;
            case NetmapReq.NETMAP_REQ_OPT_EXTMEM:
                result = memory.Read(address, out nmreq_opt_extmem external);
                External = new ExternalMemoryOption(external, memory);
                break;
        }
        return result;
    }

    private Errno WriteBody(ulong address, in nmreq_option header, CallerMemory memory) => header.nro_reqtype switch
    {
        NetmapReq.NETMAP_REQ_OPT_OFFSETS when Offsets is { Status: Errno.Success } offsets => WriteRest(address, offsets.Body, memory),
        NetmapReq.NETMAP_REQ_OPT_EXTMEM when External is { Status: Errno.Success } external => WriteRest(address, external.Body, memory),
        _ => Errno.Success,
    };

    /// <summary>The header stays as it is in the caller's memory: only what follows it is ours to change.</summary>
    private static Errno WriteRest<T>(ulong address, T body, CallerMemory memory)
        where T : unmanaged
    {
        int header = Unsafe.SizeOf<nmreq_option>();
        return memory.Write(address + (uint)header, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in body))[header..]);
    }

    /// <summary>What whoever handled the option says; a malformed list is nobody's.</summary>
    private uint StatusOf(in nmreq_option header) => header.nro_status != (uint)Errno.EOPNOTSUPP ? header.nro_status
        : header.nro_reqtype switch
        {
            NetmapReq.NETMAP_REQ_OPT_OFFSETS => (uint)Offsets!.Status,
            NetmapReq.NETMAP_REQ_OPT_EXTMEM => (uint)External!.Status,
            _ => header.nro_status,
        };

    private Errno SetStatus()
    {
        bool bad = false;
        for (int i = 0; i < _options.Count; i++)
        {
            (ulong address, nmreq_option header) = _options[i];
            bool invalid = header.nro_reqtype == 0
                || (header.nro_reqtype < NetmapReq.NETMAP_REQ_OPT_MAX
                    && _options.Count(o => o.Header.nro_reqtype == header.nro_reqtype) > 1);
            header.nro_status = (uint)(invalid ? Errno.EINVAL : Errno.EOPNOTSUPP);
            _options[i] = (address, header);
            bad |= invalid;
        }
        return bad ? Errno.EINVAL : Errno.Success;
    }

    /// <summary>Bytes of header and body, or -1 for a size beyond any request.</summary>
    public static int SizeOf(in nmreq_option header) => header.nro_reqtype switch
    {
        _ when header.nro_size > NetmapH.NETMAP_REQ_MAXSIZE => -1,
        NetmapReq.NETMAP_REQ_OPT_EXTMEM => Unsafe.SizeOf<nmreq_opt_extmem>(),
        NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS => Math.Max((int)header.nro_size, Unsafe.SizeOf<nmreq_option>()),
        NetmapReq.NETMAP_REQ_OPT_CSB => Unsafe.SizeOf<nmreq_opt_csb>(),
        NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_MODE => Unsafe.SizeOf<nmreq_opt_sync_kloop_mode>(),
        NetmapReq.NETMAP_REQ_OPT_OFFSETS => Unsafe.SizeOf<nmreq_opt_offsets>(),
        _ => Unsafe.SizeOf<nmreq_option>(),
    };
}
