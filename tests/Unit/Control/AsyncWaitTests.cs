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

    /// <summary>The first one's result is its own, whatever a second thread tries in between.</summary>
    [Fact]
    public async Task AWaitBegunBeforeTheLastResultIsTakenIsAnErrorAndTakesNothing()
    {
        using AsyncPoller poller = new();
        FewDescriptors file = new();
        AsyncWait wait = new(file, () => poller);
        ValueTask<short> first = wait.Start(Poll.POLLIN, CancellationToken.None);
        Assert.True(SpinWait.SpinUntil(() => first.IsCompleted, TimeSpan.FromSeconds(30)));
        Assert.Throws<InvalidOperationException>(() => wait.Start(Poll.POLLOUT, CancellationToken.None).IsCompleted);
        Assert.Equal(Poll.POLLIN, await first);
        Assert.Equal(Poll.POLLOUT, await wait.Start(Poll.POLLOUT, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
    }

    /// <summary>Not the poller's, whose thread serves all files.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatFailsOnThePollersThreadIsTheWaitersError(bool looking)
    {
        using AsyncPoller poller = new();
        AsyncWait broken = new(new FewDescriptors { FailsLooking = looking, FailsSleeping = !looking }, () => poller);
        await Assert.ThrowsAsync<IOException>(() => broken.Start(Poll.POLLIN, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        AsyncWait other = new(new FewDescriptors(), () => poller);
        Assert.Equal(Poll.POLLIN, await other.Start(Poll.POLLIN, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
    }

    /// <summary>A file that has news as soon as it is waited for, if there is a descriptor to wait with.</summary>
    private sealed class FewDescriptors : IAsyncLook
    {
        public bool IsFull { get; set; }

        public bool FailsLooking { get; init; }

        public bool FailsSleeping { get; init; }

        public int MaxDescriptors => 0;

        public bool Begin() => IsFull ? throw new NetmapException(Errno.EMFILE, "open", null, "no descriptor") : true;

        public void End()
        {
        }

        public short Look(short events, bool arm) => arm && FailsLooking ? throw new IOException("looking")
            : arm && !FailsSleeping ? events : (short)0;

        public int PrepareSleep(Span<pollfd> descriptors, short events, ref TimeSpan left) =>
            FailsSleeping ? throw new IOException("sleeping") : 0;
    }
}
