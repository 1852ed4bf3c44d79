using Netmap.Bpf;
using Netmap.Interop;

namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// netmap's memory in an eBPF array, so that the fast paths' programs copy frames out of its buffers and into them: long frames
/// are copied once, by the kernel.
/// </summary>
/// <param name="Array">Descriptor of the array; the memory's.</param>
/// <param name="Address">Where its first byte is mapped here.</param>
/// <param name="Bytes">Of the memory.</param>
/// <param name="Buffers">Where buffer 0 begins.</param>
/// <param name="BufferSize">Bytes.</param>
/// <param name="BufferCount">Buffers.</param>
internal sealed record GearPool(int Array, nint Address, long Bytes, int Buffers, int BufferSize, int BufferCount)
{
    /// <summary>Bytes behind the memory, so that no frame at its end reaches beyond the array, whatever its length.</summary>
    private const int Tail = 4096;

    /// <summary>Programs cannot index further (BPF_MAX_VAR_OFF in the kernel's include/linux/bpf_verifier.h).</summary>
    private const long Farthest = (1 << 29) - 1;

    /// <summary>Longest frame that goes into one buffer.</summary>
    public int LongestDirect => Math.Min(BufferSize, Tail);

    /// <summary>Last place where a frame may begin.</summary>
    public int Last => (int)Bytes;

    /// <summary>Where a buffer begins.</summary>
    public unsafe byte* Start(uint buffer) => (byte*)Address + Buffers + ((long)buffer * BufferSize);

    /// <summary>An array that memory of so many bytes fits into; null without privilege, without so much memory, or if it is too much.</summary>
    public static SafeDescriptor? TryMake(long bytes) =>
        bytes + Tail > Farthest ? null
            : BpfMap.TryCreate("netmap_mem", BpfMapSpec.Array((int)bytes + Tail), out _)?.Detach();
}
