using Netmap.Interop;

namespace Netmap.Tests.Model.Fuzz;

/// <summary>Descriptors of every kind that a server may be sent.</summary>
internal sealed unsafe class FuzzDescriptors : IDisposable
{
    private const int MemorySize = 1 << 23;
    private readonly List<SafeDescriptor> _all = [];

    public FuzzDescriptors()
    {
        for (int i = 0; i < 3; i++)
            Add(SysEventfd.eventfd(0, i == 2 ? SysEventfd.EFD_CLOEXEC : SysEventfd.EFD_CLOEXEC | SysEventfd.EFD_NONBLOCK));
        foreach (int seals in (int[])[Fcntl.F_SEAL_SHRINK, Fcntl.F_SEAL_SHRINK | Fcntl.F_SEAL_GROW, 0])
        {
            Add(SysMman.memfd_create("netmap-fuzz", SysMman.MFD_CLOEXEC | SysMman.MFD_ALLOW_SEALING));
            Unistd.ftruncate(_all[^1].Fd, MemorySize);
            Fcntl.fcntl(_all[^1].Fd, Fcntl.F_ADD_SEALS, seals);
        }
        Add(Fcntl.open("/dev/null", Fcntl.O_RDWR | Fcntl.O_CLOEXEC));
        Add(Fcntl.open("/dev/zero", Fcntl.O_RDWR | Fcntl.O_CLOEXEC));
        Add(Fcntl.open("/proc/self/maps", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC));
        Add(SysSocket.socket(SysSocket.AF_UNIX, SysSocket.SOCK_SEQPACKET | SysSocket.SOCK_CLOEXEC, 0));
        Add(SysEpoll.epoll_create1(SysEpoll.EPOLL_CLOEXEC));
    }

    /// <summary>Some of them; the last one, which EXTMEM means, is most often memory.</summary>
    public int[] Some(Random random, int count)
    {
        int[] chosen = [.. Enumerable.Range(0, Math.Min(count, NmsH.NMS_DESCRIPTORS_MAX)).Select(_ => _all[random.Next(_all.Count)].Fd)];
        if (chosen.Length > 0 && random.Next(3) != 0)
            chosen[^1] = _all[random.Next(3, 6)].Fd;
        return chosen;
    }

    public int Other(Random random) => _all[random.Next(_all.Count)].Fd;

    public void Dispose() => _all.ForEach(descriptor => descriptor.Dispose());

    private void Add(SysResult made)
    {
        Assert.False(made.IsError, $"{made}");
        _all.Add(new SafeDescriptor(made.Int32));
    }
}
