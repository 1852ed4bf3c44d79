using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Owns one file descriptor. A descendant may close it in another way.</summary>
internal class SafeDescriptor : SafeHandle
{
    public SafeDescriptor(int fd)
        : base(-1, ownsHandle: true) => SetHandle(fd);

    public override bool IsInvalid => handle == -1;

    /// <summary>The descriptor, for calls made while this object is reachable and open.</summary>
    public int Fd => (int)handle;

    protected override bool ReleaseHandle() => !Unistd.close((int)handle).IsError;
}
