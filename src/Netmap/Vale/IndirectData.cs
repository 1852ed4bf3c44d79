using System.Runtime.InteropServices;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>
/// Frames that lie in the sender's own memory (NS_INDIRECT). Their addresses may be anything: the kernel copies, one
/// call a slot, and a bad address is an error instead of a fault.
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
        if (source.Program.Read(address, new Span<byte>(data, length)) != Errno.Success)
            return false;
        fragment = new() { Data = data, Length = length };
        return true;
    }
}
