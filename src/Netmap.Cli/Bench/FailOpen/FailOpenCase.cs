namespace Netmap.Cli.Bench.FailOpen;

/// <summary>One kind of process that has the interface, and is killed.</summary>
/// <param name="Name">For <c>--case</c>.</param>
/// <param name="Arguments">Of the netmap tool.</param>
/// <param name="IsLoaded">The other end sends 60-byte frames at full speed, until it is killed; else the process itself does.</param>
/// <param name="Passes">The process hands the host its traffic: pings are answered while it lives.</param>
internal sealed record FailOpenCase(string Name, string[] Arguments, bool IsLoaded, bool Passes)
{
    public static readonly FailOpenCase[] All =
    [
        new("plain-tx", ["pkt-gen", "-i", "b0", "-f", "tx", "--admode", "native", "--gear", "plain"], IsLoaded: false, Passes: false),
        new("plain-rx", ["pkt-gen", "-i", "b0", "-f", "rx", "--admode", "native", "--gear", "plain"], IsLoaded: true, Passes: false),
        new("fast-tx", ["pkt-gen", "-i", "b0", "-f", "tx", "--admode", "native", "--gear", "fast"], IsLoaded: false, Passes: false),
        new("fast-rx", ["pkt-gen", "-i", "b0", "-f", "rx", "--admode", "native", "--gear", "fast"], IsLoaded: true, Passes: false),
        new("native-host", ["bridge", "-i", "b0", "--admode", "native"], IsLoaded: true, Passes: true),
        new("bridge", ["bridge", "-i", "b0", "-i", "c0", "--admode", "native"], IsLoaded: true, Passes: false),
        new("generic-rx", ["pkt-gen", "-i", "b0", "-f", "rx", "--admode", "generic"], IsLoaded: true, Passes: false),
        new("generic-host", ["bridge", "-i", "b0", "--admode", "generic"], IsLoaded: true, Passes: true),
    ];
}
