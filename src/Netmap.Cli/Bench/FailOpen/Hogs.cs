using System.Diagnostics;

namespace Netmap.Cli.Bench.FailOpen;

/// <summary>Processes that do nothing but take processor time, until disposed.</summary>
internal sealed class Hogs(int count) : IDisposable
{
    private readonly Process[] _processes = [.. Enumerable.Range(0, count).Select(_ => Process.Start("sh", ["-c", "while :; do :; done"]))];

    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }
}
