namespace Netmap.Adapters;

/// <summary>What only a native adapter has to tell.</summary>
/// <param name="Queues">Queue and mode of each that is open, in words.</param>
/// <param name="ProgramIds">eBPF programs attached.</param>
internal sealed record NativeDetails(IReadOnlyList<string> Queues, IReadOnlyList<uint> ProgramIds);
