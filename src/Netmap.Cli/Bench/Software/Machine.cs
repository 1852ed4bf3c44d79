namespace Netmap.Cli.Bench.Software;

/// <summary>Where a figure was measured.</summary>
internal static class Machine
{
    public static string Kernel => File.ReadAllText("/proc/sys/kernel/osrelease").Trim();

    /// <summary>The processor's name, as the kernel has it.</summary>
    public static string Processor => File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
        ? line[(line.IndexOf(':') + 1)..].Trim()
        : "unknown processor";
}
