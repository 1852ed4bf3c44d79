namespace Netmap.Tests.Unit.Server;

/// <summary>What lies at a server's path when it comes.</summary>
public sealed class SocketFileTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"netmap-test-{Environment.ProcessId}-{Guid.NewGuid():n}");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void AFileOfSomebodyElseStays()
    {
        File.WriteAllText(_path, "precious");
        NetmapException refused = Assert.Throws<NetmapException>(() => new TestServer(options => options with { Host = _path }));
        Assert.Equal("EEXIST", refused.ErrorName);
        Assert.Equal("precious", File.ReadAllText(_path));
    }

    [Fact]
    public void ADirectoryStaysToo()
    {
        NetmapException refused = Assert.Throws<NetmapException>(() => new TestServer(options => options with { Host = Path.GetTempPath() }));
        Assert.Equal("EEXIST", refused.ErrorName);
    }

    [Fact]
    public void TheSocketOfAServerThatIsThereIsItsOwn()
    {
        using TestServer first = new(options => options with { Host = _path });
        Assert.Equal("EADDRINUSE", Assert.Throws<NetmapException>(() => new TestServer(options => options with { Host = _path })).ErrorName);
        first.Open("vale0:a").Dispose();
    }

    [Fact]
    public void ADeadSocketIsReplaced()
    {
        using (System.Net.Sockets.Socket dead = new(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Seqpacket, System.Net.Sockets.ProtocolType.Unspecified))
        {
            dead.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(_path));
            // As after a kill: the file stays.
            File.Move(_path, _path + "x");
        }
        File.Move(_path + "x", _path);
        using TestServer server = new(options => options with { Host = _path });
        server.Open("vale0:a").Dispose();
    }
}
