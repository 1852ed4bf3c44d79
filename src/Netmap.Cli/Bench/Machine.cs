namespace Netmap.Cli.Bench;

/// <summary>Where a figure was measured.</summary>
internal sealed record Machine
{
    public static Machine Current { get; } = new();

    public int Cores { get; } = Environment.ProcessorCount;

    /// <summary>The processor's name, as the kernel has it.</summary>
    public string Processor { get; } =
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':') + 1)..].Trim()
            : "unknown processor";

    public string Kernel { get; } = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();

    public override string ToString() => $"{Processor}, {Cores} cores, kernel {Kernel}";
}
