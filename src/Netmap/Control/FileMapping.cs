using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Control;

/// <summary>One mapping of a port's memory; it holds the open file (spec 1.4).</summary>
internal sealed unsafe class FileMapping(NetmapFile file, SharedRegion region, long offset, long length) : IDisposable
{
    private byte* _address = region.Map(offset, length);

    /// <summary>First byte.</summary>
    public byte* Address => _address;

    public void Dispose()
    {
        if (_address == null)
            return;
        SysMman.munmap(_address, (nuint)length);
        _address = null;
        file.DropReference();
    }
}
