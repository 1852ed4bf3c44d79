using Netmap.Interop;

namespace Netmap.Links;

/// <summary>Which CPUs a thread may run on (sched_setaffinity(2)).</summary>
public static unsafe class CpuAffinity
{
    /// <summary>Pins the calling thread to one CPU, 0..1023.</summary>
    /// <exception cref="NetmapException">EINVAL when this process may not use that CPU.</exception>
    public static void Pin(int cpu)
    {
        ulong* mask = stackalloc ulong[16];
        new Span<ulong>(mask, 16).Clear();
        if (cpu is < 0 or > 1023)
            throw new NetmapException(Errno.EINVAL, "pin thread", null, $"CPU {cpu} is outside 0..1023");
        mask[cpu / 64] = 1UL << (cpu % 64);
        SysResult result = Sched.sched_setaffinity(0, 16 * sizeof(ulong), mask);
        if (result.IsError)
            throw new NetmapException(result.Errno, "pin thread", null, $"CPU {cpu} is not one of ours");
    }
}
