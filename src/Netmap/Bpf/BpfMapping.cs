using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>Part of a map in our memory; outlives the map's descriptor until disposed.</summary>
internal sealed unsafe class BpfMapping : IDisposable
{
    public BpfMapping(BpfMap map, long offset, nuint bytes, bool writable)
    {
        Bytes = bytes;
        SysResult mapped = SysMman.mmap(null, bytes, SysMman.PROT_READ | (writable ? SysMman.PROT_WRITE : 0), SysMman.MAP_SHARED,
            map.Descriptor, offset);
        if (mapped.IsError)
            throw new NetmapException(mapped.Errno, "map eBPF map", null, $"{bytes} bytes at {offset} cannot be mapped");
        Address = (byte*)mapped.Value;
    }

    /// <summary>First byte; null once disposed.</summary>
    public byte* Address { get; private set; }

    public nuint Bytes { get; }

    public void Dispose()
    {
        if (Address != null)
            SysMman.munmap(Address, Bytes);
        Address = null;
    }
}
