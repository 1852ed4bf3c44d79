using System.Text;
using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>What a map is (bpf(2), BPF_MAP_CREATE).</summary>
/// <param name="Type">BPF_MAP_TYPE_*.</param>
/// <param name="KeySize">Bytes of a key; 4 for arrays and their kin, 0 for a ring buffer.</param>
/// <param name="ValueSize">Bytes of a value; 0 for a ring buffer.</param>
/// <param name="Entries">Values; bytes for a ring buffer, a power of two of whole pages.</param>
/// <param name="Flags">BPF_F_*.</param>
internal readonly record struct BpfMapSpec(int Type, int KeySize, int ValueSize, uint Entries, uint Flags = 0)
{
    /// <summary>An array that can be mapped; one entry of many bytes is reached without a lookup.</summary>
    public static BpfMapSpec Array(int valueSize, uint entries = 1) =>
        new(LinuxBpf.BPF_MAP_TYPE_ARRAY, sizeof(uint), valueSize, entries, LinuxBpf.BPF_F_MMAPABLE);

    /// <summary>Receive queue to XDP socket.</summary>
    public static BpfMapSpec XdpSockets(int queues) => new(LinuxBpf.BPF_MAP_TYPE_XSKMAP, sizeof(uint), sizeof(int), (uint)queues);

    /// <summary>Number to interface index, for bpf_redirect_map.</summary>
    public static BpfMapSpec Interfaces(int entries) => new(LinuxBpf.BPF_MAP_TYPE_DEVMAP, sizeof(uint), sizeof(int), (uint)entries);

    /// <summary>A ring of records from programs to us, whose descriptor polls readable.</summary>
    public static BpfMapSpec RingBuffer(int bytes) => new(LinuxBpf.BPF_MAP_TYPE_RINGBUF, 0, 0, (uint)bytes);
}

/// <summary>A map in the kernel, held by a descriptor.</summary>
internal sealed unsafe class BpfMap : IDisposable
{
    private readonly SafeDescriptor _map;

    private BpfMap(SafeDescriptor map, BpfMapSpec spec) => (_map, Spec) = (map, spec);

    public int Descriptor => _map.Fd;

    public BpfMapSpec Spec { get; }

    /// <summary>The kernel's number of the map, as `bpftool map` shows it; 0 if it does not tell.</summary>
    public uint Id
    {
        get
        {
            bpf_map_info found = default;
            bpf_attr_info ask = new() { bpf_fd = (uint)Descriptor, info_len = (uint)sizeof(bpf_map_info), info = (ulong)&found };
            return LinuxBpf.bpf(LinuxBpf.BPF_OBJ_GET_INFO_BY_FD, &ask, (uint)sizeof(bpf_attr_info)).IsError ? 0 : found.id;
        }
    }

    /// <summary>Makes a map.</summary>
    /// <param name="name">As `bpftool map` shows it, at most 15 characters.</param>
    /// <param name="spec">Shape.</param>
    /// <param name="error">EPERM without privilege, ENOMEM, E2BIG or EINVAL for a shape the kernel does not have.</param>
    public static BpfMap? TryCreate(string name, BpfMapSpec spec, out Errno error)
    {
        bpf_attr_map_create create = new()
        {
            map_type = (uint)spec.Type,
            key_size = (uint)spec.KeySize,
            value_size = (uint)spec.ValueSize,
            max_entries = spec.Entries,
            map_flags = spec.Flags,
        };
        Encoding.ASCII.GetBytes(name, new Span<byte>(create.map_name, 15));
        SysResult fd = LinuxBpf.bpf(LinuxBpf.BPF_MAP_CREATE, &create, (uint)sizeof(bpf_attr_map_create));
        error = fd.Errno;
        return fd.IsError ? null : new(new SafeDescriptor(fd.Int32), spec);
    }

    /// <summary>As <see cref="TryCreate"/>.</summary>
    /// <exception cref="NetmapException">What the kernel says.</exception>
    public static BpfMap Create(string name, BpfMapSpec spec, string? port) =>
        TryCreate(name, spec, out Errno error) ?? throw new NetmapException(error, "create eBPF map", port,
            error == Errno.EPERM ? BpfProgram.NoPrivilege : $"the kernel refused the map {name} of {spec.Entries} entries of {spec.ValueSize} bytes");

    /// <summary>The descriptor without the map: its caller closes it.</summary>
    public SafeDescriptor Detach() => _map;

    /// <summary>Sets entry <paramref name="key"/> of a map with 4-byte keys.</summary>
    public Errno Update<T>(uint key, T value)
        where T : unmanaged => Element(LinuxBpf.BPF_MAP_UPDATE_ELEM, &key, &value);

    /// <summary>Reads entry <paramref name="key"/>; ENOENT when there is none.</summary>
    public Errno Lookup<T>(uint key, out T value)
        where T : unmanaged
    {
        fixed (T* found = &value)
        {
            *found = default;
            return Element(LinuxBpf.BPF_MAP_LOOKUP_ELEM, &key, found);
        }
    }

    /// <summary>Removes entry <paramref name="key"/>; ENOENT when there was none.</summary>
    public Errno Delete(uint key) => Element(LinuxBpf.BPF_MAP_DELETE_ELEM, &key, null);

    /// <summary>Maps <paramref name="bytes"/> of it from <paramref name="offset"/> on: arrays made to be mapped, and ring buffers.</summary>
    /// <exception cref="NetmapException">EPERM, ENOMEM, EINVAL.</exception>
    public BpfMapping Map(long offset, nuint bytes, bool writable) => new(this, offset, bytes, writable);

    public void Dispose() => _map.Dispose();

    private Errno Element(int command, void* key, void* value)
    {
        bpf_attr_map_elem element = new() { map_fd = (uint)Descriptor, key = (ulong)key, value = (ulong)value };
        return LinuxBpf.bpf(command, &element, (uint)sizeof(bpf_attr_map_elem)).Errno;
    }
}
