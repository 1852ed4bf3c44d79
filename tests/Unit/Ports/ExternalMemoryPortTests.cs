using Microsoft.Win32.SafeHandles;
using Netmap.Tests.Unit.Server;

namespace Netmap.Tests.Unit.Ports;

/// <summary>Ports in memory of the program's own: in this process, and of a server for many.</summary>
public sealed class ExternalMemoryPortTests : IDisposable
{
    private const long Size = 12 << 20;

    private readonly SafeFileHandle _file = ExternalMemory.CreateFile(Size);
    private readonly NetmapEngine _engine = new(new() { BufferCount = 8192 });
    private readonly TestServer _server = new(options => options with { MemoryPerUser = 100 << 20 });

    public void Dispose()
    {
        _server.Dispose();
        _engine.Dispose();
        _file.Dispose();
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(false, 1 << 20)]
    [InlineData(true, 0)]
    [InlineData(true, 1 << 20)]
    public void BothEndsOfAPipe(bool remote, long offset)
    {
        ExternalMemory memory = new() { File = _file, Offset = offset, BufferSize = 4096, BufferCount = 2060, InterfaceCount = 4 };
        using NetmapPort a = Open(remote, "netmap:x{1", memory);
        using NetmapPort b = Open(remote, "netmap:x}1", memory);
        Assert.Equal((a.Info.MemoryId, 4096), (b.Info.MemoryId, b.RxRings[0].BufferSize));
        Assert.NotEqual(1, a.Info.MemoryId);
        for (int i = 0; i < 3000; i++)
        {
            Assert.True(a.TxRings[0].TrySend(BitConverter.GetBytes(i)));
            a.TxSync();
            b.RxSync();
            foreach (RxFrame frame in b.RxRings[0])
                Assert.Equal(i, BitConverter.ToInt32(frame.Data));
        }
        // The frames are in the program's file.
        byte[] contents = new byte[Size];
        Assert.Equal(Size, RandomAccess.Read(_file, contents, 0));
        Assert.True(contents.AsSpan(0, (int)offset).IndexOfAnyExcept((byte)0) < 0);
        Assert.True(contents.AsSpan((int)offset).IndexOf(BitConverter.GetBytes(2999)) >= 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFileByItsName(bool remote)
    {
        string path = $"/dev/shm/netmap-test-{Guid.NewGuid():N}";
        try
        {
            using (FileStream made = File.Create(path))
                made.SetLength(Size);
            if (remote)
            {
                // It could be cut off, so a server for many does not take it.
                NetmapException refused = Assert.Throws<NetmapException>(() => Open(remote, $"netmap:x{{1@extmem={path}", null));
                Assert.Equal("EOPNOTSUPP", refused.ErrorName);
                Assert.Contains("F_SEAL_SHRINK", refused.Message);
                return;
            }
            using NetmapPort a = Open(remote, $"netmap:x{{1@extmem={path}", null);
            using NetmapPort b = Open(remote, $"netmap:x}}1@extmem:file={path},buf-size=128", null);
            // The first one's geometry holds.
            Assert.Equal(2048, b.TxRings[0].BufferSize);
            Assert.True(a.TxRings[0].SharesMemoryWith(b.RxRings[0]));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void MistakesAreSaidInWords()
    {
        Assert.Equal("ENOENT", Refused(new() { Path = "/dev/shm/there-is-no-such-file" }));
        Assert.Equal("EINVAL", Refused(new()));
        Assert.Equal("EINVAL", Refused(new() { File = _file, Path = "/dev/shm/x" }));
        Assert.Equal("EINVAL", Refused(new() { File = _file, BufferSize = -1 }));
        Assert.Equal("EINVAL", Refused(new() { File = _file, Offset = 100 }));
        Assert.Equal("EFAULT", Refused(new() { File = _file, Length = Size + 4096 }));
        Assert.Equal("ENOMEM", Refused(new() { File = _file, Offset = Size }));
        Assert.Equal("EOPNOTSUPP", Refused(new() { Path = "/dev/null", Length = Size }));
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() => ExternalMemory.CreateFile(-1)).ErrorName);
        Assert.Equal("EINVAL", Assert.Throws<NetmapException>(() =>
            Open(false, "netmap:x{1@extmem=/dev/shm/x", new() { File = _file })).ErrorName);

        string Refused(ExternalMemory memory) => Assert.Throws<NetmapException>(() => Open(false, "netmap:x{1", memory)).ErrorName;
    }

    [Fact]
    public void OnAServerItCountsAgainstTheUsersMemory()
    {
        using SafeFileHandle large = ExternalMemory.CreateFile(101 << 20);
        NetmapException refused = Assert.Throws<NetmapException>(() => Open(true, "netmap:x{1", new() { File = large }));
        Assert.Equal("ENOMEM", refused.ErrorName);
        Assert.Contains("--memory-per-user", refused.Message);
        NetmapPort[] ports = [.. Enumerable.Range(0, 8).Select(i => Open(true, $"netmap:x{i}{{1", new() { File = ExternalMemory.CreateFile(Size) }))];
        Assert.Equal("ENOMEM", Assert.Throws<NetmapException>(() => Open(true, "netmap:y{1", new() { File = _file })).ErrorName);
        ports[0].Dispose();
        _server.WaitForFiles(7);
        using NetmapPort fits = Open(true, "netmap:y{1", new() { File = _file });
        foreach (NetmapPort port in ports)
            port.Dispose();
    }

    [Fact]
    public void AProgramThatIsGoneLeavesTheMemoryToOthers()
    {
        ExternalMemory memory = new() { File = _file, InterfaceCount = 4 };
        using NetmapPort a = Open(true, "netmap:x{1", memory);
        for (int i = 0; i < 20; i++)
        {
            using NetmapPort b = Open(true, "netmap:x}1", memory);
            Assert.Equal(a.Info.MemoryId, b.Info.MemoryId);
            a.TxRings[0].TrySend(BitConverter.GetBytes(i));
            a.TxSync();
            b.RxSync();
            Assert.False(b.RxRings[0].IsEmpty);
            b.Dispose();
            _server.WaitForFiles(1);
        }
    }

    private NetmapPort Open(bool remote, string name, ExternalMemory? memory)
    {
        NetmapPortOptions options = new() { ExternalMemory = memory };
        return remote ? _server.Open(name, options) : NetmapPort.Open(name, options, _engine);
    }
}
