using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Devices.Packet;

/// <summary>Any interface of the calling thread's network namespace.</summary>
internal sealed class PacketDeviceFactory : IDeviceFactory
{
    public bool AllowsNative => true;

    public string? Identify(string name)
    {
        using SafeDescriptor socket = InterfaceQuery.OpenSocket();
        SysResult index = InterfaceQuery.Index(socket.Fd, name);
        if (index.IsError)
            return null;
        return $"{PortSpace.Current()}/{index.Value}";
    }

    public IDevice Open(string name) => new PacketDevice(name);
}
