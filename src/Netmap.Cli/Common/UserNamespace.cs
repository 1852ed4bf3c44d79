using System.Diagnostics;

namespace Netmap.Cli.Common;

/// <summary>
/// Without root, the tool starts itself again inside a user and network namespace of its own, where it may do everything.
/// A process with threads cannot enter a user namespace, so util-linux's unshare(1) does it.
/// </summary>
internal static class UserNamespace
{
    private const string Marker = "NETMAP_REENTERED";

    /// <summary>True when we are inside such a namespace already.</summary>
    public static bool IsInside => Environment.GetEnvironmentVariable(Marker) is not null;

    /// <summary>
    /// Runs this very command again inside, where the kernel allows it; false for root, inside, and where it does not.
    /// </summary>
    public static bool TryReenter(out int exitCode)
    {
        exitCode = 0;
        if (Environment.IsPrivilegedProcess || IsInside || Start("true") != 0)
            return false;
        string tool = Path.Combine(AppContext.BaseDirectory, "netmap-cli.dll");
        exitCode = Start([Environment.ProcessPath!, tool, .. Environment.GetCommandLineArgs().Skip(1)]);
        return true;
    }

    private static int Start(params string[] command)
    {
        ProcessStartInfo start = new("unshare", ["-Urn", "--", .. command]);
        start.Environment[Marker] = "1";
        start.RedirectStandardError = command is ["true"];
        try
        {
            using Process process = Process.Start(start)!;
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No unshare(1) here.
            return -1;
        }
    }
}
