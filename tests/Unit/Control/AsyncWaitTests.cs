using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Control;

/// <summary>Asynchronous waits that cannot begin, and those that come too late.</summary>
public sealed class AsyncWaitTests
{
    [Fact]
    public async Task AWaitThatCouldNotBeginDoesNotStandInTheWayOfTheNext()
    {
        using AsyncPoller poller = new();
        FewDescriptors file = new() { IsFull = true };
        AsyncWait wait = new(file, () => poller);
        Assert.Equal("EMFILE", Assert.Throws<NetmapException>(() => wait.Start(Poll.POLLIN, CancellationToken.None).IsCompleted).ErrorName);
        file.IsFull = false;
        Assert.Equal(Poll.POLLIN, await wait.Start(Poll.POLLIN, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task AWaitThatComesAfterThePollersEndIsAnError()
    {
        AsyncPoller poller = new();
        poller.Dispose();
        AsyncWait wait = new(new FewDescriptors(), () => poller);
        Assert.Equal(Poll.POLLERR, await wait.Start(Poll.POLLIN, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
    }

    /// <summary>A file that has news as soon as it is waited for, if there is a descriptor to wait with.</summary>
    private sealed class FewDescriptors : IAsyncLook
    {
        public bool IsFull { get; set; }

        public int MaxDescriptors => 0;

        public bool Begin() => IsFull ? throw new NetmapException(Errno.EMFILE, "open", null, "no descriptor") : true;

        public void End()
        {
        }

        public short Look(short events, bool arm) => arm ? events : (short)0;

        public int PrepareSleep(Span<pollfd> descriptors, short events, ref TimeSpan left) => 0;
    }
}
