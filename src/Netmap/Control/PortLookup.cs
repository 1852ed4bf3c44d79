using Netmap.Adapters;
using Netmap.Interop;

namespace Netmap.Control;

/// <summary>From a request to an adapter (spec 3.3). Kinds of ports this version lacks are refused by name.</summary>
internal static class PortLookup
{
    /// <exception cref="NetmapException">EINVAL, ENXIO, EOPNOTSUPP, ENOMEM as the specification lists them.</exception>
    public static NetmapAdapter Acquire(Engine engine, string name, uint mode, ulong flags, int memoryId)
    {
        if (mode is NetmapReq.NR_REG_PIPE_MASTER or NetmapReq.NR_REG_PIPE_SLAVE)
            throw new NetmapException(Errno.EINVAL, "open", name, "pipe modes are part of the name: NAME{ID or NAME}ID");
        engine.Memories.Find(memoryId, name);
        if (mode == NetmapReq.NR_REG_NULL)
            throw Missing(name, "null ports");
        if ((flags & (NetmapH.NR_MONITOR_TX | NetmapH.NR_MONITOR_RX)) != 0)
            throw Missing(name, "monitors (/t and /r)");
        if (name.AsSpan().ContainsAny('{', '}'))
            throw Missing(name, "pipes");
        if (name.StartsWith("vale", StringComparison.Ordinal))
            throw name.Contains(':') ? Missing(name, "VALE switches") : new NetmapException(Errno.ENOMEM, "open", name,
                "a VALE port is valeSWITCH:PORT");
        return engine.Acquire(name);
    }

    private static NetmapException Missing(string name, string what) =>
        new(Errno.EOPNOTSUPP, "open", name, $"{what} are not supported by this version");
}
