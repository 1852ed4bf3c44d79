using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Control;

/// <summary>SYNC_KLOOP_START and SYNC_KLOOP_STOP (spec 10): the first blocks until the second, so neither runs under the control lock.</summary>
internal static class KloopRequest
{
    private const uint LongestPause = 1_000_000;
    private const uint KnownModes = 3;

    public static Errno Run(NetmapFile file, in nmreq_header header, CallerMemory memory)
    {
        file.LastRefusal = null;
        bool start = header.nr_reqtype == NetmapReq.NETMAP_REQ_SYNC_KLOOP_START;
        nmreq_sync_kloop_start body = default;
        if (start && memory.Read(header.nr_body, out body) != Errno.Success)
            return Errno.EFAULT;
        OptionList options = new();
        Errno result = options.Read(header.nr_options, NetmapH.NETMAP_REQ_MAXSIZE - ControlRequest.BodySize(header.nr_reqtype), memory);
        try
        {
            if (result == Errno.Success)
                result = start ? Start(file, body, options, memory) : Stop(file, memory);
        }
        catch (NetmapException refusal)
        {
            file.LastRefusal = refusal;
            result = refusal.Errno;
        }
        return options.WriteBack(memory, result == Errno.Success) is var written and not Errno.Success ? written : result;
    }

    private static Errno Start(NetmapFile file, in nmreq_sync_kloop_start body, OptionList options, CallerMemory memory)
    {
        using SyncKloop loop = Make(file, body, options, memory);
        file.Begin(loop);
        try
        {
            using CancellationTokenRegistration registration = memory.Ended.UnsafeRegister(static loop => ((SyncKloop)loop!).RequestStop(), loop);
            return loop.Run();
        }
        finally
        {
            file.End(loop);
        }
    }

    private static SyncKloop Make(NetmapFile file, in nmreq_sync_kloop_start body, OptionList options, CallerMemory memory)
    {
        if (body.sleep_us > LongestPause)
            throw Refused(Errno.EINVAL, $"a pause of {body.sleep_us} µs; {LongestPause} at most");
        Registration bound = file.Registration ?? throw Refused(Errno.ENXIO, "no port is bound to this file; register first");
        CsbMode csb = file.Csb ?? throw Refused(Errno.EINVAL, "the file is not in CSB mode");
        if (file.Kloop is not null)
            throw NetmapFile.KloopRuns();
        uint mode = 0;
        if (options.TryRead(NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_MODE, out nmreq_opt_sync_kloop_mode wanted))
        {
            mode = wanted.mode;
            options.Settle(NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_MODE, (mode & ~KnownModes) == 0 ? Errno.Success : Errno.EINVAL);
            if ((mode & ~KnownModes) != 0)
                throw Refused(Errno.EINVAL, $"unknown mode {mode}");
        }
        int rings = bound.TxRings.Length + bound.RxRings.Length;
        KloopDescriptors? descriptors = Descriptors(options, memory, rings, direct: mode != 0);
        return new(file, bound, csb, TimeSpan.FromMicroseconds(body.sleep_us), descriptors);
    }

    /// <summary>The eventfds; null when some ring has none to be rung by: then the loop pauses instead of sleeping.</summary>
    private static KloopDescriptors? Descriptors(OptionList options, CallerMemory memory, int rings, bool direct)
    {
        const uint Type = NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS;
        if (!options.TryReadRest(Type, out ReadOnlySpan<byte> bytes))
            return direct ? throw Refused(Errno.EINVAL, "a direct mode needs a descriptor for each ring") : null;
        ReadOnlySpan<int> pairs = MemoryMarshal.Cast<byte, int>(bytes);
        bool good = bytes.Length == 8 * rings;
        int[] ring = new int[rings];
        int[] tell = new int[rings];
        for (int i = 0; good && i < rings; i++)
        {
            (ring[i], tell[i]) = (memory.Descriptor(pairs[2 * i]), memory.Descriptor(pairs[(2 * i) + 1]));
            good = !(direct && pairs[2 * i] < 0);
        }
        options.Settle(Type, good ? Errno.Success : Errno.EINVAL);
        if (!good)
            throw Refused(Errno.EINVAL, "the descriptors do not fit the rings");
        try
        {
            KloopDescriptors.Check(ring.Concat(tell));
            return ring.Any(fd => fd < 0) ? null : new KloopDescriptors(ring, tell, memory.Descriptors);
        }
        catch (NetmapException refusal)
        {
            options.Settle(Type, refusal.Errno);
            throw;
        }
    }

    private static Errno Stop(NetmapFile file, CallerMemory memory)
    {
        if (file.Registration is null)
            return Errno.ENXIO;
        SyncKloop? ending = file.StopKloop();
        if (ending is not null && memory.Later is { } later)
            later(ending);
        else
            ending?.Wait();
        return Errno.Success;
    }

    private static NetmapException Refused(Errno errno, string reason) => new(errno, "sync loop", null, reason);
}
