using Netmap.Tests.Unit.Server;

namespace Netmap.Tests;

public sealed partial class LeakFixture
{
    /// <summary>One thread waits for all ports of servers that are waited for asynchronously.</summary>
    static partial void OpenWhatTheProductKeeps()
    {
        using TestServer server = new();
        using NetmapPort port = server.Open("vale0:a");
        using CancellationTokenSource stop = new();
        Task wait = port.WaitForReceiveAsync(stop.Token).AsTask();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => wait.GetAwaiter().GetResult());
    }
}
