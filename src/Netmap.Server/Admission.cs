using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>Between a client's ioctl and the engine: what its user may have.</summary>
internal static class Admission
{
    /// <param name="file">The client's file.</param>
    /// <param name="request">NIOC* number.</param>
    /// <param name="memory">The image; its argument is at the start.</param>
    /// <param name="reason">Why it was refused, in words, if somebody said.</param>
    public static Errno Run(OpenFile file, uint request, CallerMemory memory, out string? reason)
    {
        reason = null;
        NetmapFile netmap = file.File;
        netmap.LastRefusal = null;
        bool bound = netmap.Registration is not null;
        Errno result = netmap.Ioctl(request, CallerMemory.ImageStart, memory);
        if (result != Errno.Success)
            reason = netmap.LastRefusal?.Reason;
        else if (!bound && netmap.Registration is { } now && file.Server.Log.Lists(file.Account))
            file.Server.Log.Bound(file.Opener.pid, file.Opener.uid, now.Adapter.Name, now.Rings, now.Memory.Bytes);
        return result;
    }
}
