using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Netmap.Tests.Netns;

/// <summary>
/// These tests need a network namespace of their own. Root makes them; an ordinary user's run starts itself again inside a
/// user namespace where the kernel allows it; else they are skipped with the reason. In CI nothing may be skipped.
/// </summary>
internal static class Privileges
{
    private const string Marker = "NETMAP_TESTS_REENTERED";

    /// <summary>True in CI as root, where a skip is a failure.</summary>
    private static bool MustRun => Environment.GetEnvironmentVariable("NETMAP_TESTS_MUST_RUN") == "1";

    /// <summary>True where the kernel lets us load eBPF: not in a user namespace of an ordinary user.</summary>
    public static bool HasBpf => Environment.IsPrivilegedProcess && Environment.GetEnvironmentVariable(Marker) is null;

    /// <summary>Skips the calling test when it cannot make a namespace; in CI it goes on, and fails.</summary>
    public static void RequireNamespaces() => Assert.SkipUnless(Environment.IsPrivilegedProcess || MustRun,
        "neither root nor a kernel that allows user namespaces (unshare -Urn): run the tests as root");

    public static void RequireBpf()
    {
        RequireNamespaces();
        Assert.SkipUnless(HasBpf || MustRun, "the kernel refuses eBPF to an ordinary user's namespace: run the tests as root");
    }

    /// <summary>Runs before the test platform: a process with its threads running cannot enter a user namespace any more.</summary>
    [ModuleInitializer]
    internal static void Reenter()
    {
        if (Environment.IsPrivilegedProcess || Environment.GetEnvironmentVariable(Marker) is not null)
            return;
        ProcessStartInfo start = new("unshare", ["-Urn", "--", Environment.ProcessPath!, .. Environment.GetCommandLineArgs().Skip(1)]);
        start.Environment[Marker] = "1";
        try
        {
            using Process trial = Process.Start(new ProcessStartInfo("unshare", ["-Urn", "--", "true"]) { RedirectStandardError = true })!;
            trial.WaitForExit();
            if (trial.ExitCode != 0)
                return;
            using Process inside = Process.Start(start)!;
            inside.WaitForExit();
            Environment.Exit(inside.ExitCode);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No unshare(1) here: the tests say what they miss.
            return;
        }
    }
}
