using System.Diagnostics;
using System.Text.RegularExpressions;
using Netmap.Links;

namespace Netmap.Cli.Bench;

/// <summary>dpdk-testpmd on an interface through net_af_packet: the C program to beat.</summary>
internal sealed partial class DpdkPeer : IDisposable
{
    public const string Package = "dpdk-dev";

    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(15);

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    private DpdkPeer(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
        _errors = process.StandardError.ReadToEndAsync();
    }

    public static bool IsInstalled => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Any(folder => File.Exists(Path.Combine(folder, "dpdk-testpmd")));

    /// <summary>Starts it in a namespace; its forwarding core is <paramref name="cpu"/>, the other one only waits.</summary>
    public static DpdkPeer Start(NetworkNamespace space, string device, int cpu, params string[] mode)
    {
        ProcessStartInfo start = new("dpdk-testpmd",
        [
            "--no-huge", "-m", "512", "--no-pci", "--no-telemetry", "--log-level=4", "--file-prefix", $"netmap-bench-{Environment.ProcessId}",
            "-l", "0,1", "--main-lcore", (1 - cpu).ToString(), "--vdev", $"net_af_packet0,iface={device},framecnt=1024",
            "--", "--total-num-mbufs=16384", "--txd=1024", "--rxd=1024", "--burst=64", .. mode,
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        DpdkPeer peer = new(space.Run(() => Process.Start(start)!));
        peer.WaitForSockets(space);
        return peer;
    }

    /// <summary>Ends it; frames it received.</summary>
    public long Stop()
    {
        _process.StandardInput.WriteLine();
        _process.StandardInput.Close();
        _process.WaitForExit();
        Match received = ReceivedPattern().Match(_output.Result);
        return received.Success ? long.Parse(received.Groups[1].Value) : 0;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    [GeneratedRegex(@"RX-packets: (\d+)")]
    private static partial Regex ReceivedPattern();

    /// <summary>It says nothing while it runs; its packet sockets show that it is at work.</summary>
    private void WaitForSockets(NetworkNamespace space)
    {
        Meter meter = new();
        while (space.Run(() => File.ReadAllLines("/proc/thread-self/net/packet").Length) < 2)
        {
            if (_process.HasExited || meter.Seconds > s_start.TotalSeconds)
                throw new InvalidOperationException("dpdk-testpmd did not start: " + (_process.HasExited ? _errors.Result : "no socket appeared"));
            Thread.Sleep(20);
        }
        // From its sockets to its forwarding loop.
        Thread.Sleep(1000);
    }
}
