using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// A descriptor that a client gave us, or that it can put something into. The last close of a file may wait for as long as the client likes
/// (a FUSE file flushes, a TCP socket lingers); so does that of a socket with such files in its queue. So no thread that others need closes
/// it: whichever of them lets go of it last leaves it to its user's <see cref="DescriptorCloser"/>.
/// </summary>
internal sealed class ForeignDescriptor(int fd, DescriptorCloser closer) : SafeDescriptor(fd)
{
    protected override bool ReleaseHandle()
    {
        closer.Close((int)handle);
        return true;
    }
}
