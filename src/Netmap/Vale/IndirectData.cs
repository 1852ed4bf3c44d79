using System.Runtime.InteropServices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>
/// Frames that lie in the sender's own memory (NS_INDIRECT). Their addresses may be anything: the kernel copies
/// (process_vm_readv(2)), one call a slot, and a bad address is an error instead of a fault.
/// </summary>
internal sealed unsafe class IndirectData(int places)
{
    private const int PlaceSize = 1 << 16;

    private byte* _memory;

    ~IndirectData() => NativeMemory.Free(_memory);

    /// <summary>Reads <paramref name="length"/> bytes from the slot's <c>ptr</c>; false for no address or a bad one.</summary>
    public bool TryRead(KRing source, uint slot, int length, int place, out Fragment fragment)
    {
        fragment = default;
        ulong address = source.PointerOf(slot);
        if (address == 0)
            return false;
        // On first use: most senders never do this. The system commits pages as they are touched.
        if (_memory == null)
            _memory = (byte*)NativeMemory.Alloc((nuint)places * PlaceSize);
        byte* data = _memory + ((nint)place * PlaceSize);
        iovec here = new() { iov_base = data, iov_len = (nuint)length };
        iovec there = new() { iov_base = (void*)address, iov_len = (nuint)length };
        if (length > 0 && SysUio.process_vm_readv(source.ProcessId, &here, 1, &there, 1).Value != length)
            return false;
        fragment = new() { Data = data, Length = length };
        return true;
    }
}
