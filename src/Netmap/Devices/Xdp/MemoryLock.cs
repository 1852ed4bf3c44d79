using System.Globalization;
using Netmap.Interop;

namespace Netmap.Devices.Xdp;

/// <summary>The limit on locked memory, and what to do about it.</summary>
internal static class MemoryLock
{
    /// <summary>The pool is more than this user may lock.</summary>
    public static NativeRefusal Refusal(long poolBytes, int bufferSize)
    {
        long limit = Limit();
        string fits = limit / bufferSize >= 4 ? $", or lower BufferCount to {limit / bufferSize} or less" : "";
        return new(Errno.ENOBUFS, $"the buffer pool of {poolBytes >> 20} MiB may not be locked: the limit is {limit >> 10} KiB; "
            + $"raise it (ulimit -l, LimitMEMLOCK=), give CAP_IPC_LOCK{fits}");
    }

    /// <summary>RLIMIT_MEMLOCK of this process in bytes; 0 where it cannot be told.</summary>
    public static long Limit()
    {
        string? line = File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith("Max locked memory", StringComparison.Ordinal));
        string[] words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length > 3 && long.TryParse(words[3], CultureInfo.InvariantCulture, out long bytes) ? bytes : 0;
    }
}
