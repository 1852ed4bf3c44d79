using System.CommandLine;
using System.Net.NetworkInformation;
using Netmap.Cli.Common;

namespace Netmap.Cli.PktGen;

/// <summary><c>netmap pkt-gen</c>: the options of netmap's pkt-gen (spec 12), one table.</summary>
internal static class PktGenCommand
{
    public static readonly string[] Functions = ["tx", "rx", "ping", "pong", "txseq", "rxseq"];

    private static readonly Option<string> s_interface = new("-i") { Description = "port: netmap:IFACE, or a bare name; tap… is a TAP interface made for this run; null has nobody at the other end", Required = true };
    private static readonly Option<string> s_function = new("-f") { Description = "tx rx ping pong txseq rxseq", DefaultValueFactory = _ => "rx" };
    private static readonly Option<long> s_count = new("-n") { Description = "packets or transactions, all threads together; 0 for no end" };
    private static readonly Option<int[]> s_sizes = new("-l") { Description = "frame size in bytes without FCS, 16..65535; a second -l is the lower bound of random sizes", DefaultValueFactory = _ => [60] };
    private static readonly Option<int> s_burst = new("-b") { Description = "packets a sync; 512, for ping and pong 1" };
    private static readonly Option<bool> s_four = new("-4") { Description = "IPv4 (default)" };
    private static readonly Option<bool> s_six = new("-6") { Description = "IPv6" };
    private static readonly Option<string> s_source = new("-s") { Description = "source ip[:port][-ip[:port]]; 10.0.0.1, port 1234" };
    private static readonly Option<string> s_destination = new("-d") { Description = "destination, as -s; 10.1.0.1" };
    private static readonly Option<string> s_sourceMac = new("-S") { Description = "source MAC; the interface's" };
    private static readonly Option<string> s_destinationMac = new("-D") { Description = "destination MAC; broadcast" };
    private static readonly Option<int> s_cpu = new("-a") { Description = "first CPU to pin a thread to; -1 not to", DefaultValueFactory = _ => -1 };
    private static readonly Option<int> s_cpus = new("-c") { Description = "CPUs to use from -a on; 0 for all", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> s_threads = new("-p") { Description = "threads, one ring each", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> s_interval = new("-T") { Description = "milliseconds between progress lines", DefaultValueFactory = _ => 1000 };
    private static readonly Option<double> s_wait = new("-w") { Description = "seconds to wait for the link after opening; 0 for memory ports", DefaultValueFactory = _ => 0 };
    private static readonly Option<long> s_rate = new("-R") { Description = "packets per second, 0 for no limit; bursts are cut to a 300th of it" };
    private static readonly Option<bool> s_dump = new("-X") { Description = "dump received frames" };
    private static readonly Option<bool> s_raw = new("-N") { Description = "plain numbers, no K, M, G" };
    private static readonly Option<bool> s_average = new("-A") { Description = "average and deviation over the last 15 intervals" };
    private static readonly Option<bool> s_framing = new("-B") { Description = "count 24 bytes of framing a packet in bit rates" };
    private static readonly Option<bool> s_randomSource = new("-z") { Description = "random source address and port" };
    private static readonly Option<bool> s_randomDestination = new("-Z") { Description = "random destination address and port" };
    private static readonly Option<bool> s_rubbish = new("-r") { Description = "send whatever is in the buffers" };
    private static readonly Option<int> s_fragments = new("-F") { Description = "slots a packet, 1..63", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> s_fragmentSize = new("-M") { Description = "most bytes a slot; the buffer's size" };
    private static readonly Option<bool> s_silent = new("-W") { Description = "end a receiver after 1 s of silence" };
    private static readonly Option<string> s_geometry = new("-C") { Description = "tx_slots[,rx_slots[,tx_rings[,rx_rings]]]; deprecated, system interfaces keep their own" };
    private static readonly Option<int> s_bits = new("-o") { Description = "option bits: 64 dump, 256 rubbish, 512 and 1024 random source and destination; others have no effect" };
    private static readonly Option<bool> s_verbose = new("-v") { Description = "say more" };
    private static readonly Option<bool> s_json = new("--json") { Description = "no progress lines, one JSON object at the end" };

    public static Command Create()
    {
        Command command = new("pkt-gen", "Send, receive, ping and answer at the rate the interface gives.");
        foreach (Option option in (Option[])[s_interface, s_function, s_count, s_sizes, s_burst, s_four, s_six, s_source,
            s_destination, s_sourceMac, s_destinationMac, s_cpu, s_cpus, s_threads, s_interval, s_wait, s_rate, s_dump, s_raw,
            s_average, s_framing, s_randomSource, s_randomDestination, s_rubbish, s_fragments, s_fragmentSize, s_silent,
            s_geometry, s_bits, s_verbose, .. PortArguments.All, s_json])
            command.Options.Add(option);
        command.SetAction(parsed => new PktGenRun(Read(parsed)).Execute());
        return command;
    }

    /// <exception cref="UsageException">A value out of range.</exception>
    public static PktGenOptions Read(ParseResult parsed)
    {
        string function = OneOf("-f", parsed.GetRequiredValue(s_function), Functions);
        int[] sizes = parsed.GetRequiredValue(s_sizes);
        int bits = parsed.GetValue(s_bits);
        bool six = parsed.GetValue(s_six);
        int defaultBurst = function is "ping" or "pong" ? 1 : 512;
        if (parsed.GetValue(s_geometry) is not null)
            Console.Error.WriteLine("pkt-gen: -C is ignored: a system interface keeps its own rings");
        PktGenOptions options = new()
        {
            Interface = parsed.GetRequiredValue(s_interface),
            Function = function,
            Count = Limits.Within("-n", parsed.GetValue(s_count), 0, long.MaxValue),
            MaxSize = (int)Limits.Within("-l", sizes.Max(), 16, 65535),
            MinSize = (int)Limits.Within("-l", sizes.Min(), 16, 65535),
            Burst = (int)Limits.Within("-b", parsed.GetResult(s_burst) is null ? defaultBurst : parsed.GetValue(s_burst), 1, 8192),
            Ipv6 = six,
            Source = Range(parsed.GetValue(s_source), six ? "fd00::1" : "10.0.0.1", six),
            Destination = Range(parsed.GetValue(s_destination), six ? "fd01::1" : "10.1.0.1", six),
            SourceMac = parsed.GetValue(s_sourceMac) is { } source ? Mac("-S", source) : null,
            DestinationMac = Mac("-D", parsed.GetValue(s_destinationMac) ?? "ff:ff:ff:ff:ff:ff"),
            FirstCpu = (int)Limits.Within("-a", parsed.GetValue(s_cpu), -1, 1023),
            Cpus = (int)Limits.Within("-c", parsed.GetValue(s_cpus), 0, 1024),
            Threads = (int)Limits.Within("-p", parsed.GetValue(s_threads), 1, 64),
            Interval = TimeSpan.FromMilliseconds(Limits.Within("-T", parsed.GetValue(s_interval), 10, 3_600_000)),
            Wait = TimeSpan.FromSeconds(Limits.Within("-w", parsed.GetValue(s_wait), 0, 3600)),
            Rate = Limits.Within("-R", parsed.GetValue(s_rate), 0, long.MaxValue),
            Dump = parsed.GetValue(s_dump) || (bits & 64) != 0,
            RawUnits = parsed.GetValue(s_raw),
            Average = parsed.GetValue(s_average),
            Framing = parsed.GetValue(s_framing),
            RandomSource = parsed.GetValue(s_randomSource) || (bits & 512) != 0,
            RandomDestination = parsed.GetValue(s_randomDestination) || (bits & 1024) != 0,
            Rubbish = parsed.GetValue(s_rubbish) || (bits & 256) != 0,
            Fragments = (int)Limits.Within("-F", parsed.GetValue(s_fragments), 1, 63),
            FragmentSize = (int)Limits.Within("-M", parsed.GetValue(s_fragmentSize), 0, 65536),
            StopWhenSilent = parsed.GetValue(s_silent),
            Ports = PortArguments.Read(parsed),
            Verbose = parsed.GetValue(s_verbose),
            Json = parsed.GetValue(s_json),
        };
        return Checked(options);
    }

    /// <summary>What only makes sense, or does not, together.</summary>
    private static PktGenOptions Checked(PktGenOptions options)
    {
        int headers = (options.Ipv6 ? 62 : 42) + (options.Function == "ping" ? 12 : 4);
        if (options.Function is "ping" or "txseq" && options.MinSize < headers)
            throw new UsageException($"-l {options.MinSize}: {options.Function} needs {headers} bytes for its headers and number");
        // A server's buffers are known when its port is open.
        if (options.Ports.Host is null && options.MaxSize > options.Ports.BufferSize)
            throw new UsageException($"-l {options.MaxSize} is above the buffer size {options.Ports.BufferSize}; raise --buffer-size");
        // No share is no packet, and would read as no end.
        if (options.Count > 0 && options.Count < options.Threads)
            throw new UsageException($"-n {options.Count} is less than a packet for each of {options.Threads} threads");
        return options;
    }

    private static string OneOf(string option, string value, string[] allowed) => allowed.Contains(value)
        ? value
        : throw new UsageException($"{option} {value} is none of {string.Join(' ', allowed)}");

    private static EndpointRange Range(string? text, string fallback, bool six)
    {
        EndpointRange range = EndpointRange.Parse(text ?? fallback);
        bool isSix = range.First.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        return isSix == six ? range : throw new UsageException($"'{text}' is not an IPv{(six ? 6 : 4)} address; see -4 and -6");
    }

    private static byte[] Mac(string option, string text) =>
        PhysicalAddress.TryParse(text, out PhysicalAddress? mac) && mac.GetAddressBytes() is { Length: 6 } bytes
            ? bytes
            : throw new UsageException($"{option} {text} is not a MAC address, 02:00:00:00:00:01");
}
