using Microsoft.Extensions.Logging;
using Netmap.Server;

namespace Netmap.Tests.Unit.Server;

/// <summary>A server at an abstract address of its own, in this process, with an engine of its own.</summary>
internal sealed class TestServer : IDisposable
{
    private static int s_number;

    public TestServer(Func<NetmapServerOptions, NetmapServerOptions>? change = null, NetmapEngineOptions? engine = null, ILoggerFactory? loggers = null)
    {
        Engine = new NetmapEngine(engine ?? new NetmapEngineOptions { BufferCount = 8192 });
        NetmapServerOptions options = new() { Host = $"@netmap-test-{Environment.ProcessId}-{Interlocked.Increment(ref s_number)}" };
        Server = new NetmapServer(Engine, change?.Invoke(options) ?? options, loggers);
    }

    public NetmapEngine Engine { get; }

    public NetmapServer Server { get; }

    public string Host => Server.Options.Host;

    public NetmapPort Open(string name, NetmapPortOptions? options = null) =>
        NetmapPort.Open(name, (options ?? new()) with { Host = Host });

    /// <summary>Waits until the server has noticed that clients are gone.</summary>
    public void WaitForFiles(int count)
    {
        for (int i = 0; i < 1000 && Server.GetStatus().Files.Count != count; i++)
            Thread.Sleep(10);
        Assert.Equal(count, Server.GetStatus().Files.Count);
    }

    public void Dispose()
    {
        Server.Dispose();
        Engine.Dispose();
    }
}
