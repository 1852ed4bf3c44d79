using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Tests;

/// <summary>
/// Runs something as another user, on a thread of its own: Linux keeps ids by thread, and the kernel's own calls (unlike the C library's)
/// change those of the calling thread alone. What the thread connects and makes is that user's. Needs root.
/// </summary>
internal static class UserThread
{
    public static T Run<T>(uint user, Func<T> work) => Run(user, [], work);

    /// <param name="user">uid, and gid.</param>
    /// <param name="groups">Supplementary groups.</param>
    /// <param name="work">What to do.</param>
    public static T Run<T>(uint user, uint[] groups, Func<T> work)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess && RuntimeInformation.ProcessArchitecture == Architecture.X64,
            "only root has more than one user: run the tests as root");
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                Become(user, groups);
                result = work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    public static void Run(uint user, Action work) => Run(user, () =>
    {
        work();
        return 0;
    });

    private static void Become(uint user, uint[] groups)
    {
        Assert.False(SysSyscall.setgroups(groups).IsError);
        Assert.False(SysSyscall.setresgid(user).IsError);
        Assert.False(SysSyscall.setresuid(user).IsError);
    }
}
