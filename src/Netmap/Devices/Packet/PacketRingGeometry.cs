using System.Numerics;
using Netmap.Interop;

namespace Netmap.Devices.Packet;

/// <summary>How large a packet socket's ring is.</summary>
internal static unsafe class PacketRingGeometry
{
    /// <summary>Kernel header, socket address and alignment before the frame in each ring entry.</summary>
    private const int Overhead = 128;
    private const int BlockSize = 1 << 16;
    private const uint CacheLine = 64;

    /// <summary>
    /// Bytes of a ring entry for frames of this payload: an odd number of cache lines, so that the entries' headers spread
    /// over all sets of the caches. With entries of 2048 bytes they fall into one set in 32.
    /// </summary>
    public static uint FrameSize(int payload)
    {
        uint lines = ((uint)(payload + LinuxIfEther.ETH_HLEN + Overhead) + CacheLine - 1) / CacheLine;
        return (lines | 1) * CacheLine;
    }

    /// <summary>
    /// Twice as many entries as the netmap ring has slots: a reader that sleeps for one ring's time loses nothing.
    /// </summary>
    public static tpacket_req Ring(uint frameSize, int slots)
    {
        uint block = Math.Max(BlockSize, BitOperations.RoundUpToPowerOf2(frameSize));
        uint perBlock = block / frameSize;
        uint blocks = ((uint)(2 * slots) + perBlock - 1) / perBlock;
        return new()
        {
            tp_block_size = block,
            tp_block_nr = blocks,
            tp_frame_size = frameSize,
            tp_frame_nr = blocks * perBlock,
        };
    }

    /// <exception cref="NetmapException">ENOMEM.</exception>
    public static byte* Map(PacketSocket socket, nuint bytes, string port)
    {
        SysResult mapped = SysMman.mmap(null, bytes, SysMman.PROT_READ | SysMman.PROT_WRITE,
            SysMman.MAP_SHARED | SysMman.MAP_POPULATE, socket.Fd, 0);
        return mapped.IsError
            ? throw new NetmapException(mapped.Errno, "open (map ring)", port, "no memory for the packet socket's ring")
            : (byte*)mapped.Value;
    }
}
