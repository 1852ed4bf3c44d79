using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>sys/un.h</c>. An abstract address begins with a zero byte and has no terminator.</summary>
[Abi("sys/un.h", Name = "struct sockaddr_un")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct sockaddr_un
{
    public ushort sun_family;
    public fixed byte sun_path[108];
}
