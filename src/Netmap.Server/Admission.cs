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
        try
        {
            if (!bound)
                file.Account.Check(new(0, Wanted(request, memory) * 2048L), "port");
        }
        catch (NetmapException refusal)
        {
            reason = refusal.Reason;
            return refusal.Errno;
        }
        Errno result = netmap.Ioctl(request, CallerMemory.ImageStart, memory);
        if (result != Errno.Success)
            reason = netmap.LastRefusal?.Reason;
        else if (!bound && netmap.Registration is { } now)
            result = Book(file, now, out reason);
        return result;
    }

    /// <summary>Memory that a client lends for its port.</summary>
    /// <exception cref="NetmapException">ENOMEM more than the user may have.</exception>
    public static void AdmitLent(OpenFile file, long bytes) => file.Account.Check(new(0, bytes), "port");

    /// <summary>Extra buffers asked for: the one thing that touches memory at once.</summary>
    private static long Wanted(uint request, CallerMemory memory)
    {
        if (request == NetmapH.NIOCREGIF)
            return memory.Read(CallerMemory.ImageStart, out nmreq legacy) == Errno.Success && legacy.nr_cmd == 0 ? legacy.nr_arg3 : 0;
        return request == NetmapH.NIOCCTRL
            && memory.Read(CallerMemory.ImageStart, out nmreq_header header) == Errno.Success
            && header.nr_reqtype == NetmapReq.NETMAP_REQ_REGISTER
            && memory.Read(header.nr_body, out nmreq_register body) == Errno.Success
                ? body.nr_extra_bufs
                : 0;
    }

    private static Errno Book(OpenFile file, Registration bound, out string? reason)
    {
        reason = null;
        Charge charge = Cost(bound);
        try
        {
            file.Account.Check(charge, bound.Adapter.Name);
        }
        catch (NetmapException refusal)
        {
            lock (file.File.Engine.ControlLock)
                file.File.Unregister();
            reason = refusal.Reason;
            return refusal.Errno;
        }
        file.Book(charge);
        if (file.Server.Log.Lists(file.Account))
            file.Server.Log.Bound(file.Opener.pid, file.Opener.uid, bound.Adapter.Name, charge.Rings, charge.Memory);
        return Errno.Success;
    }

    /// <summary>A private region counts as a whole, for each file that holds it; of the global one what the file has of it.</summary>
    private static Charge Cost(Registration bound)
    {
        int rings = bound.TxRings.Length + bound.RxRings.Length;
        if (bound.Memory.IsPrivate)
            return new(rings, bound.Memory.Bytes);
        long slots = bound.TxRings.Concat(bound.RxRings).Sum(ring => (long)ring.SlotCount);
        return new(rings, (slots + bound.ExtraBuffers) * bound.Memory.BufferSize);
    }
}
