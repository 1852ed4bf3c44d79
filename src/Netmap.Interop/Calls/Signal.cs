using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>signal.h</c>.</summary>
[Abi("signal.h")]
internal static partial class Signal
{
    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGQUIT = 3;
    public const int SIGTERM = 15;

    public static SysResult kill(int pid, int signal) => SysResult.From(native_kill(pid, signal));

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int native_kill(int pid, int signal);
}
