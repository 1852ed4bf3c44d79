using Netmap.Bpf;
using Netmap.Interop;

namespace Netmap.Devices.Host;

/// <summary>The kernel interface a host stands behind, as its device knows it.</summary>
internal interface IHostInterface
{
    string Name { get; }

    /// <summary>In the namespace of the thread that starts the device.</summary>
    int InterfaceIndex { get; }

    /// <summary>What frames for the host must begin with when they turn round, as the device stands now; null for nothing.</summary>
    HostPrefix? Prefix { get; }

    /// <summary>As last heard of.</summary>
    LinkState Link { get; }

    /// <summary>Asks how the link is, and tells the adapter of a change: Success, ENETDOWN or ENXIO.</summary>
    Errno LinkError();

    /// <summary>Bytes of the longest untagged frame, by the MTU when last asked.</summary>
    int LongestFrame { get; }

    /// <summary>A frame of so many bytes, a VLAN tag not counted, is within the MTU as it is now.</summary>
    bool MaySend(int untaggedLength);
}
