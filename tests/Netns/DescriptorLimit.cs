using Netmap.Interop;

namespace Netmap.Tests.Netns;

/// <summary>
/// While it is there, this process gets no further descriptor: EMFILE, for programs in the kernel as for all else. What runs
/// meanwhile has run before: the runtime, too, has no descriptor for another assembly or thread.
/// </summary>
internal readonly unsafe ref struct DescriptorLimit : IDisposable
{
    private readonly rlimit _before;

    public DescriptorLimit()
    {
        fixed (rlimit* before = &_before)
            Assert.False(SysResource.getrlimit(SysResource.RLIMIT_NOFILE, before).IsError);
        rlimit low = _before with { rlim_cur = 3 };
        Assert.False(SysResource.setrlimit(SysResource.RLIMIT_NOFILE, &low).IsError);
    }

    public void Dispose()
    {
        rlimit before = _before;
        Assert.False(SysResource.setrlimit(SysResource.RLIMIT_NOFILE, &before).IsError);
    }
}
