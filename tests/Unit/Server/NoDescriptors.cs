using System.Diagnostics;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Server;

/// <summary>This process gets no new descriptor until disposed. For tests that run alone: see <see cref="Alone"/>.</summary>
internal sealed class NoDescriptors : IDisposable
{
    /// <summary>The collection of tests that nothing else runs beside.</summary>
    public const string Alone = "alone";

    private readonly List<SafeDescriptor> _plugs = [];
    private readonly Process _limiter;

    public NoDescriptors()
    {
        // What tests before have left behind closes now.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        // A limit is about numbers: the lowest free one, and none is free.
        int free = Fcntl.open("/dev/null", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC).Int32;
        int self = Environment.ProcessId;
        // Started before, as then there is no descriptor for its pipes any more; those count, so it looks for itself.
        _limiter = Process.Start(new ProcessStartInfo("sh", ["-c",
            $"hard=$(prlimit --pid {self} --nofile --output HARD --noheadings | tr -d ' '); "
            + $"read n; prlimit --pid {self} --nofile=$n:$hard; echo done; "
            + $"read n; prlimit --pid {self} --nofile=$hard:$hard; echo done"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Unistd.close(free);
        free = Fcntl.open("/dev/null", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC).Int32;
        Unistd.close(free);
        Say(free);
        SysResult plug;
        while (!(plug = Fcntl.open("/dev/null", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC)).IsError)
            _plugs.Add(new SafeDescriptor(plug.Int32));
        Assert.Equal(Errno.EMFILE, plug.Errno);
    }

    public void Dispose()
    {
        Say(0);
        _plugs.ForEach(plug => plug.Dispose());
        _limiter.WaitForExit();
        _limiter.Dispose();
    }

    private void Say(int number)
    {
        _limiter.StandardInput.WriteLine(number);
        _limiter.StandardInput.Flush();
        Assert.Equal("done", _limiter.StandardOutput.ReadLine());
    }
}

/// <summary>Runs its tests when no other test runs.</summary>
[CollectionDefinition(NoDescriptors.Alone, DisableParallelization = true)]
public sealed class AloneCollection;
