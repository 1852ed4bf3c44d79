namespace Netmap.Cli.Bench.Software;

/// <summary>What a case moves, and on how many cores.</summary>
/// <param name="Bytes">Of each frame, without FCS.</param>
/// <param name="Batch">Frames a sync at most.</param>
/// <param name="Cores">1: one thread sends and receives by turns. 2: a thread each, on a core each, both spinning.</param>
internal sealed record SoftwareCase(int Bytes, int Batch, int Cores)
{
    private static readonly int[] s_sizes = [60, 1514];
    private static readonly int[] s_batches = [1, 8, 64, 512];

    /// <summary>Set where a case differs in more than the three numbers.</summary>
    public string Variant { get; init; } = "";

    public string Name => $"{Bytes}B-batch{Batch}-{Cores}core{(Variant.Length > 0 ? "-" : "")}{Variant}";

    /// <summary>Both sizes, all batches, one core and, where the machine has them, two.</summary>
    public static IEnumerable<SoftwareCase> All =>
        from cores in Enumerable.Range(1, Math.Min(2, Environment.ProcessorCount))
        from bytes in s_sizes
        from batch in s_batches
        select new SoftwareCase(bytes, batch, cores);
}
