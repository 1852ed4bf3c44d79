using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Netmap.Links;

namespace Netmap.Cli.Bench.Native;

/// <summary>dpdk-testpmd on kernel interfaces, at work from construction to dispose: the C program to beat.</summary>
internal sealed partial class PmdPeer : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static int s_started;

    private readonly Process _process;
    private readonly BlockingCollection<string> _lines = [];
    private readonly ConcurrentQueue<string> _errors = [];

    /// <summary>Starts forwarding.</summary>
    /// <param name="space">Where the interfaces are.</param>
    /// <param name="driver"><c>net_af_xdp</c> or <c>net_af_packet</c>.</param>
    /// <param name="interfaces">A port each.</param>
    /// <param name="cpu">Forwards; the other core only waits for commands.</param>
    /// <param name="mode">Of testpmd, with its own options.</param>
    public PmdPeer(NetworkNamespace space, string driver, string[] interfaces, int cpu, params string[] mode)
    {
        IEnumerable<string> devices = interfaces.SelectMany((name, i) =>
            new[] { "--vdev", $"{driver}{i},iface={name}{(driver == "net_af_packet" ? ",framecnt=1024" : "")}" });
        // stdbuf(1) becomes it, and lets its answers come line by line.
        ProcessStartInfo start = new("stdbuf",
        [
            "-oL", "dpdk-testpmd",
            "--no-huge", "-m", "512", "--no-pci", "--no-telemetry", "--log-level=4",
            "--file-prefix", $"netmap-{Environment.ProcessId}-{Interlocked.Increment(ref s_started)}",
            "-l", "0,1", "--main-lcore", (1 - cpu).ToString(), .. devices,
            "--", "-i", "--total-num-mbufs=16384", "--txd=1024", "--rxd=1024", "--burst=64", .. mode,
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = space.Run(() => Process.Start(start)!);
        _process.OutputDataReceived += (_, line) => _lines.Add(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _errors.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Send("start");
        Await(StartedPattern());
    }

    public static bool IsInstalled => DpdkPeer.IsInstalled;

    /// <summary>Frames its first port received so far.</summary>
    public long Received()
    {
        Send("show port stats 0");
        return long.Parse(Await(ReceivedPattern()).Groups[1].Value);
    }

    /// <summary>It has to end by itself: else libxdp's program stays on the interface.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
            Send("quit");
        if (!_process.WaitForExit(s_patience))
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _lines.Dispose();
    }

    private void Send(string command) => _process.StandardInput.WriteLine(command);

    private Match Await(Regex pattern)
    {
        while (_lines.TryTake(out string? line, s_patience))
        {
            if (pattern.Match(line) is { Success: true } match)
                return match;
            if (_process.HasExited && _lines.Count == 0)
                break;
        }
        throw new InvalidOperationException($"dpdk-testpmd does not answer: {string.Join("; ", _errors.Where(line => line.Length > 0))}");
    }

    [GeneratedRegex(@"RX-packets: (\d+)\s+RX-missed")]
    private static partial Regex ReceivedPattern();

    [GeneratedRegex("packet forwarding - ports")]
    private static partial Regex StartedPattern();
}
