using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Control;

/// <summary>
/// The options of a request (spec 3.2), copied from the caller once, bodies included, each with its address, so that the
/// status can be written back.
/// </summary>
internal sealed class OptionList
{
    private const uint StatusOffset = 12;

    private readonly List<Option> _options = [];
    private CallerMemory _memory;

    /// <summary>True when some option was understood by nobody.</summary>
    public bool HasUnsupported => _options.Any(option => StatusOf(option) == Errno.EOPNOTSUPP);

    /// <summary>Memory of the process whose addresses the options hold.</summary>
    public ProcessMemory Program => _memory.Program;

    /// <summary>OFFSETS, if the list has it.</summary>
    public OffsetsOption? Offsets { get; private set; }

    /// <summary>EXTMEM, if the list has it.</summary>
    public ExternalMemoryOption? External { get; private set; }

    /// <summary>
    /// Reads the list. One too long for <paramref name="room"/> ends in EMSGSIZE, so a loop in it ends too. Once all of it
    /// is read every status is EOPNOTSUPP, until somebody settles it; a list that is refused marks what spoils it alone.
    /// </summary>
    /// <param name="first">Address of the first option, or 0.</param>
    /// <param name="room">Bytes left of NETMAP_REQ_MAXSIZE after the body.</param>
    /// <param name="memory">The caller's memory.</param>
    /// <returns>EINVAL type 0, or a known type twice; EMSGSIZE; EFAULT.</returns>
    public Errno Read(ulong first, int room, CallerMemory memory)
    {
        _memory = memory;
        for (ulong address = first; address != 0;)
        {
            Errno read = memory.Read(address, out nmreq_option header);
            if (read != Errno.Success)
                return read;
            room -= Unsafe.SizeOf<nmreq_option>();
            if (room < 0)
                return Errno.EMSGSIZE;
            Option option = new(address, header.nro_reqtype);
            Option? twin = header.nro_reqtype < NetmapReq.NETMAP_REQ_OPT_MAX ? Find(header.nro_reqtype) : null;
            _options.Add(option);
            if (header.nro_reqtype == 0)
                return option.Status = Errno.EINVAL;
            if (twin is not null)
                return twin.Status = option.Status = Errno.EINVAL;
            read = ReadBody(option, header, ref room);
            if (read != Errno.Success)
                return read;
            address = header.nro_next;
        }
        foreach (Option option in _options)
            option.Status = Errno.EOPNOTSUPP;
        return Errno.Success;
    }

    /// <summary>The whole option of this type, as it was when the list was read; false when the list has none.</summary>
    public bool TryRead<T>(uint type, out T option)
        where T : unmanaged
    {
        Option? found = Find(type);
        option = found is null ? default : MemoryMarshal.Read<T>(found.Bytes);
        return found is not null;
    }

    /// <summary>What follows the header of an option; false when the list has none of this type.</summary>
    public bool TryReadRest(uint type, out ReadOnlySpan<byte> rest)
    {
        Option? found = Find(type);
        rest = found is null ? default : found.Bytes.AsSpan(Unsafe.SizeOf<nmreq_option>());
        return found is not null;
    }

    /// <summary>Whoever understood the option says how it went.</summary>
    public void Settle(uint type, Errno status) => Find(type)!.Status = status;

    /// <summary>Where the status of the option of this type is.</summary>
    public ulong StatusOf(uint type) => Find(type)!.Address + StatusOffset;

    /// <summary>Writes every status back, and after success the bodies of options with status 0 (spec 3.1).</summary>
    public Errno WriteBack(CallerMemory memory, bool succeeded)
    {
        Errno result = Errno.Success;
        foreach (Option option in _options)
        {
            if (memory.Write(option.Address + StatusOffset, (uint)StatusOf(option)) != Errno.Success
                || (succeeded && WriteBody(option, memory) != Errno.Success))
                result = Errno.EFAULT;
        }
        return result;
    }

    private Option? Find(uint type) => _options.Find(option => option.Type == type);

    private Errno ReadBody(Option option, in nmreq_option header, ref int room)
    {
        int headerSize = Unsafe.SizeOf<nmreq_option>();
        int size = SizeOf(header);
        if (size < 0 || size - headerSize > room)
            return Errno.EMSGSIZE;
        room -= size - headerSize;
        option.Bytes = new byte[size];
        MemoryMarshal.Write(option.Bytes, header);
        if (size > headerSize && _memory.Read(option.Address + (uint)headerSize, option.Bytes.AsSpan(headerSize)) != Errno.Success)
            return Errno.EFAULT;
        switch (option.Type)
        {
            case NetmapReq.NETMAP_REQ_OPT_OFFSETS:
                Offsets = new OffsetsOption(MemoryMarshal.Read<nmreq_opt_offsets>(option.Bytes));
                break;
            case NetmapReq.NETMAP_REQ_OPT_EXTMEM:
                External = new ExternalMemoryOption(MemoryMarshal.Read<nmreq_opt_extmem>(option.Bytes), _memory);
                break;
        }
        return Errno.Success;
    }

    private Errno WriteBody(Option option, CallerMemory memory) => option.Type switch
    {
        NetmapReq.NETMAP_REQ_OPT_OFFSETS when Offsets is { Status: Errno.Success } offsets => WriteRest(option.Address, offsets.Body, memory),
        NetmapReq.NETMAP_REQ_OPT_EXTMEM when External is { Status: Errno.Success } external => WriteRest(option.Address, external.Body, memory),
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
    private Errno StatusOf(Option option) => option.Status != Errno.EOPNOTSUPP ? option.Status
        : option.Type switch
        {
            NetmapReq.NETMAP_REQ_OPT_OFFSETS => Offsets!.Status,
            NetmapReq.NETMAP_REQ_OPT_EXTMEM => External!.Status,
            _ => option.Status,
        };

    /// <summary>Bytes of header and body, or -1 for a size beyond any request. Of types that do not exist only the header counts.</summary>
    public static int SizeOf(in nmreq_option header) => header.nro_reqtype switch
    {
        < NetmapReq.NETMAP_REQ_OPT_MAX when header.nro_size > NetmapH.NETMAP_REQ_MAXSIZE => -1,
        NetmapReq.NETMAP_REQ_OPT_EXTMEM => Unsafe.SizeOf<nmreq_opt_extmem>(),
        NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS => Math.Max((int)header.nro_size, Unsafe.SizeOf<nmreq_option>()),
        NetmapReq.NETMAP_REQ_OPT_CSB => Unsafe.SizeOf<nmreq_opt_csb>(),
        NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_MODE => Unsafe.SizeOf<nmreq_opt_sync_kloop_mode>(),
        NetmapReq.NETMAP_REQ_OPT_OFFSETS => Unsafe.SizeOf<nmreq_opt_offsets>(),
        _ => Unsafe.SizeOf<nmreq_option>(),
    };

    /// <summary>One of the list.</summary>
    private sealed class Option(ulong address, uint type)
    {
        public ulong Address { get; } = address;

        public uint Type { get; } = type;

        /// <summary>Header and body, copied once.</summary>
        public byte[] Bytes { get; set; } = [];

        public Errno Status { get; set; }
    }
}
