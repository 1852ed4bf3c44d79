using Netmap.Server;

namespace Netmap.Cli.Bench.Ipc;

/// <summary>An engine and the server that a round's clients meet at.</summary>
internal sealed class IpcHost : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("netmap-bench").FullName;
    private readonly NetmapEngine _engine;
    private readonly NetmapServer _server;

    /// <param name="options">How the server runs; its address is chosen here.</param>
    /// <param name="engine">Of the engine.</param>
    public IpcHost(NetmapServerOptions options, NetmapEngineOptions? engine = null)
    {
        _engine = new NetmapEngine(engine ?? new());
        // A path: clients reach it from any network namespace.
        Address = Path.Combine(_folder, "sock");
        _server = new(_engine, options with { Host = Address });
    }

    public string Address { get; }

    public void Dispose()
    {
        _server.Dispose();
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
