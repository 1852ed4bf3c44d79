using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>An interface of a namespace.</summary>
/// <param name="Name">1 to 15 bytes.</param>
/// <param name="Index">Kernel index, unique within the namespace.</param>
/// <param name="IsUp">Administratively up (IFF_UP).</param>
/// <param name="Mtu">Payload bytes.</param>
public readonly record struct LinkInfo(string Name, int Index, bool IsUp, int Mtu)
{
    /// <summary>Reads one RTM_NEWLINK message, header included.</summary>
    internal static LinkInfo Read(ReadOnlySpan<byte> message)
    {
        ifinfomsg body = MemoryMarshal.Read<ifinfomsg>(message[Unsafe.SizeOf<nlmsghdr>()..]);
        ReadOnlySpan<byte> attributes = message[(Unsafe.SizeOf<nlmsghdr>() + Unsafe.SizeOf<ifinfomsg>())..];
        ReadOnlySpan<byte> mtu = NetlinkAttributes.Find(attributes, LinuxIfLink.IFLA_MTU);
        return new(
            Encoding.UTF8.GetString(NetlinkAttributes.Find(attributes, LinuxIfLink.IFLA_IFNAME).TrimEnd((byte)0)),
            body.ifi_index,
            (body.ifi_flags & LinuxIf.IFF_UP) != 0,
            mtu.Length >= sizeof(int) ? MemoryMarshal.Read<int>(mtu) : 0);
    }
}
