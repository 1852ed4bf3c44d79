using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>signal.h</c>.</summary>
[Abi("signal.h")]
internal static unsafe partial class Signal
{
    public const nint SIG_DFL = 0;
    public const nint SIG_IGN = 1;

    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGQUIT = 3;
    public const int SIGTERM = 15;

    public static SysResult kill(int pid, int signal) => SysResult.From(native_kill(pid, signal));

    /// <summary>Either action may be null: nothing is set, or nothing is told.</summary>
    public static SysResult sigaction(int signal, sigaction* set, sigaction* old) => SysResult.From(native_sigaction(signal, set, old));

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int native_kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "sigaction")]
    private static partial int native_sigaction(int signal, sigaction* set, sigaction* old);
}

[Abi("signal.h", Name = "struct sigaction")]
[StructLayout(LayoutKind.Sequential)]
internal struct sigaction
{
    public nint sa_handler;
    public sigset_t sa_mask;
    public int sa_flags;
    public nint sa_restorer;
}

[Abi("signal.h", Name = "sigset_t")]
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal struct sigset_t;
