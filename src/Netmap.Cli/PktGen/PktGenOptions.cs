using Netmap.Cli.Common;

namespace Netmap.Cli.PktGen;

/// <summary>What pkt-gen was asked to do; one member for each option.</summary>
internal sealed record PktGenOptions
{
    public required string Interface { get; init; }
    public string Function { get; init; } = "rx";

    /// <summary>Packets or transactions, 0 for no end.</summary>
    public long Count { get; init; }

    public int MinSize { get; init; } = 60;
    public int MaxSize { get; init; } = 60;
    public int Burst { get; init; } = 512;
    public bool Ipv6 { get; init; }
    public EndpointRange Source { get; init; } = EndpointRange.Parse("10.0.0.1");
    public EndpointRange Destination { get; init; } = EndpointRange.Parse("10.1.0.1");
    public byte[]? SourceMac { get; init; }
    public byte[] DestinationMac { get; init; } = [255, 255, 255, 255, 255, 255];
    public int FirstCpu { get; init; } = -1;
    public int Cpus { get; init; } = 1;
    public int Threads { get; init; } = 1;
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan Wait { get; init; }

    /// <summary>Packets per second of all threads, 0 for as fast as can be.</summary>
    public long Rate { get; init; }

    public bool Dump { get; init; }
    public bool RawUnits { get; init; }
    public bool Average { get; init; }
    public bool Framing { get; init; }
    public bool RandomSource { get; init; }
    public bool RandomDestination { get; init; }
    public bool Rubbish { get; init; }
    public int Fragments { get; init; } = 1;
    public int FragmentSize { get; init; }
    public bool StopWhenSilent { get; init; }
    public PortChoice Ports { get; init; } = new();

    public bool Verbose { get; init; }
    public bool Json { get; init; }

    public bool Sends => Function is "tx" or "txseq" or "ping";
}
