using System.Runtime.InteropServices;

namespace Netmap.Cli.LoadBalancer;

/// <summary>
/// Buffers that are in no slot. The first of a port's extra buffers stays in place as the head of their list, which the port
/// frees when it closes; the others travel through slots and queues.
/// </summary>
internal sealed class ExtraBuffers
{
    private readonly NetmapPort _port;
    private readonly uint[] _free;

    public ExtraBuffers(NetmapPort port)
    {
        _port = port;
        Total = Math.Max(0, port.ExtraBufferCount - 1);
        _free = new uint[Total];
        for (uint next = Total > 0 ? Link(port.FirstExtraBuffer) : 0; next != 0 && Count < Total; next = Link(next))
            _free[Count++] = next;
    }

    public int Total { get; }

    /// <summary>Buffers free now.</summary>
    public int Count { get; private set; }

    /// <summary>There is one.</summary>
    public uint Take() => _free[--Count];

    public void Give(uint buffer) => _free[Count++] = buffer;

    /// <summary>Links all that are free behind the first again, for the port to free.</summary>
    public void Return()
    {
        if (_port.FirstExtraBuffer == 0)
            return;
        ref uint link = ref Link(_port.FirstExtraBuffer);
        foreach (uint buffer in _free.AsSpan(0, Count))
        {
            link = buffer;
            link = ref Link(buffer);
        }
        link = 0;
    }

    /// <summary>Each buffer of the list begins with the index of the next.</summary>
    private ref uint Link(uint buffer) => ref MemoryMarshal.AsRef<uint>(_port.RxRings[0].BufferOf(buffer));
}
