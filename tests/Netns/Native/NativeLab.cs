using Netmap.Links;

namespace Netmap.Tests.Netns.Native;

/// <summary>
/// A veth pair for native ports: native or nothing, XDP sockets alone unless another gear is asked for, and a pool that
/// does not pin a third of a gigabyte.
/// </summary>
internal static class NativeLab
{
    public const int Buffers = 16384;

    public static NetmapEngineOptions Options { get; } = new() { AdapterMode = 1, BufferCount = Buffers, NativeGear = NativeGear.Plain };

    public static VethLab Create(int queues = 1, bool up = true, NetmapEngineOptions? engine = null) =>
        new(new LinkOptions { Queues = queues }, up, engine ?? Options);
}
