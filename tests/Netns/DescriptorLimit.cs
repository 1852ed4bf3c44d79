using System.Diagnostics;
using System.Globalization;

namespace Netmap.Tests.Netns;

/// <summary>While it is there, this process gets no further descriptor: EMFILE, for programs in the kernel as for all else.</summary>
internal sealed class DescriptorLimit : IDisposable
{
    private readonly Process _changer;

    public DescriptorLimit()
    {
        // Its pipes are made before, so that the way back needs none.
        ProcessStartInfo start = new("sh",
            ["-c", "prlimit --pid $0 --nofile=3: && echo low && read line && prlimit --pid $0 --nofile=$1: && echo back",
            Environment.ProcessId.ToString(CultureInfo.InvariantCulture), Soft().ToString(CultureInfo.InvariantCulture)])
        { RedirectStandardInput = true, RedirectStandardOutput = true };
        _changer = Process.Start(start)!;
        Assert.Equal("low", _changer.StandardOutput.ReadLine());
    }

    public void Dispose()
    {
        _changer.StandardInput.WriteLine();
        _changer.StandardInput.Flush();
        Assert.Equal("back", _changer.StandardOutput.ReadLine());
        _changer.WaitForExit();
        _changer.Dispose();
    }

    private static long Soft() => long.Parse(
        File.ReadLines("/proc/self/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal))[26..]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[0],
        CultureInfo.InvariantCulture);
}
