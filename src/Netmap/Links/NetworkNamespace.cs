using System.Runtime.ExceptionServices;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>
/// A network namespace, held by a descriptor: it vanishes with the last process, socket or descriptor that uses it.
/// Source: network_namespaces(7).
/// </summary>
public sealed partial class NetworkNamespace : IDisposable
{
    private readonly SafeDescriptor _namespace;

    private NetworkNamespace(SafeDescriptor descriptor) => _namespace = descriptor;

    /// <summary>A new, empty namespace with its loopback up.</summary>
    /// <exception cref="NetmapException">EPERM without CAP_SYS_ADMIN.</exception>
    public static NetworkNamespace Create()
    {
        NetworkNamespace made = OnOwnThread(() =>
        {
            SysResult result = Sched.unshare(Sched.CLONE_NEWNET);
            if (result.IsError)
                throw new NetmapException(result.Errno, "create network namespace", null,
                    "CAP_SYS_ADMIN is needed; run as root, or inside `unshare -Urn`");
            return Current();
        });
        try
        {
            made.SetUp("lo");
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    /// <summary>The calling thread's namespace.</summary>
    /// <exception cref="NetmapException">No /proc.</exception>
    public static NetworkNamespace Current()
    {
        SysResult fd = Fcntl.open("/proc/thread-self/ns/net", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC);
        if (fd.IsError)
            throw new NetmapException(fd.Errno, "open network namespace", null, "/proc/thread-self/ns/net cannot be opened");
        return new(new SafeDescriptor(fd.Int32));
    }

    /// <summary>
    /// Runs <paramref name="work"/> on a thread of its own inside the namespace, and waits for it. Ports and sockets opened
    /// there stay in the namespace; child processes started there live in it. The work must not start tasks: a pool thread
    /// born there would stay in the namespace, keep it alive, and later serve others.
    /// </summary>
    /// <exception cref="NetmapException">EPERM.</exception>
    public T Run<T>(Func<T> work) => OnOwnThread(() =>
    {
        SysResult result = Sched.setns(_namespace.Fd, Sched.CLONE_NEWNET);
        if (result.IsError)
            throw new NetmapException(result.Errno, "enter network namespace", null, "CAP_SYS_ADMIN is needed");
        return work();
    });

    /// <inheritdoc cref="Run{T}"/>
    public void Run(Action work) => Run(() =>
    {
        work();
        return true;
    });

    /// <inheritdoc/>
    public void Dispose() => _namespace.Dispose();

    /// <summary>A thread that entered a namespace ends with its work: it never serves anybody else.</summary>
    private static T OnOwnThread<T>(Func<T> work)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                result = work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        { IsBackground = true, Name = "netns" };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }
}
