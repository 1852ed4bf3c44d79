using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Netmap.Cli.Bench.Software;

/// <summary>A dpdk-testpmd that takes commands, on one memory interface; its forwarding core spins between start and stop.</summary>
internal sealed partial class TestPmd : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly BlockingCollection<string> _lines = [];
    private readonly ConcurrentQueue<string> _errors = [];

    /// <param name="role">Of net_memif: <c>server</c> makes the socket, <c>client</c> connects.</param>
    /// <param name="socket">Path of the socket.</param>
    /// <param name="cpu">Forwards; the other core only waits for commands.</param>
    /// <param name="mode">A forwarding mode: <c>txonly</c>, <c>rxonly</c>.</param>
    public TestPmd(string role, string socket, int cpu, string mode)
    {
        // stdbuf(1) becomes it, and lets its answers come line by line.
        ProcessStartInfo start = new("stdbuf",
        [
            "-oL", "dpdk-testpmd",
            "--no-huge", "-m", "512", "--no-pci", "--no-telemetry", "--log-level=4", "--file-prefix", $"netmap-{role}-{Environment.ProcessId}",
            "-l", "0,1", "--main-lcore", (1 - cpu).ToString(), "--vdev", $"net_memif0,role={role},socket={socket},socket-abstract=no,rsize=12",
            "--", "-i", "--total-num-mbufs=16384", "--txd=1024", "--rxd=1024", $"--forward-mode={mode}",
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => _lines.Add(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _errors.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public void Send(string command) => _process.StandardInput.WriteLine(command);

    /// <summary>Frames received so far.</summary>
    public long Received()
    {
        Send("show port stats 0");
        return long.Parse(Await(ReceivedPattern()).Groups[1].Value);
    }

    /// <summary>Stops forwarding; when it returns, the core sleeps.</summary>
    public void Stop()
    {
        Send("stop");
        Await(StoppedPattern());
    }

    /// <summary>The next line of output that matches.</summary>
    public Match Await(Regex pattern)
    {
        while (_lines.TryTake(out string? line, s_patience))
        {
            if (pattern.Match(line) is { Success: true } match)
                return match;
            if (_process.HasExited && _lines.Count == 0)
                break;
        }
        throw new InvalidOperationException($"dpdk-testpmd does not answer: {string.Join("; ", _errors)}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _lines.Dispose();
    }

    [GeneratedRegex(@"RX-packets: (\d+)\s+RX-missed")]
    private static partial Regex ReceivedPattern();

    [GeneratedRegex("^Done")]
    private static partial Regex StoppedPattern();
}
