using System.Diagnostics;

namespace Netmap.Cli.Bench.FailOpen;

/// <summary>The near host's interface is a netmap process's, which is killed while the far host pings.</summary>
internal sealed class FailOpenLab : IDisposable
{
    private const string NearAddress = "10.66.0.10";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    private readonly BenchLab _lab = new();

    public FailOpenLab()
    {
        _lab.Near.AddAddress("b0", NearAddress + "/24");
        _lab.Near.AddNeighbor("b0", "10.66.0.1", BenchLab.FarMac);
        _lab.Far.AddNeighbor("b1", NearAddress, BenchLab.NearMac);
        // Where a bridge sends what comes.
        _lab.Near.CreateVeth("c0", "c1", _lab.Far);
        _lab.Near.SetUp("c0");
        _lab.Far.SetUp("c1");
        // Frames of the fast gear reach an end that polls.
        _lab.Far.SetOffload("b1", "gro", true);
    }

    /// <summary>The time from SIGKILL to the first answer after the last ping lost.</summary>
    /// <param name="case">Who is killed.</param>
    /// <param name="after">How long after it began to work.</param>
    /// <param name="hogs">Processes that want the processors as much as it does.</param>
    /// <exception cref="InvalidOperationException">It never took the traffic.</exception>
    /// <exception cref="TimeoutException">The host was not back after 15 s.</exception>
    public TimeSpan Kill(FailOpenCase @case, TimeSpan after, int hogs)
    {
        using PingSeries pings = new(_lab.Far, NearAddress);
        using Process victim = Start(@case);
        long open = Stopwatch.GetTimestamp();
        using Load? load = @case.IsLoaded ? new(_lab) : null;
        using Hogs _ = new(hogs);
        Thread.Sleep(TimeSpan.FromMilliseconds(100) + after);
        if (!@case.Passes && pings.AnyAnsweredSince(open))
            throw new InvalidOperationException($"{@case.Name}: the host was reached while netmap had its interface");
        long killed = Stopwatch.GetTimestamp();
        victim.Kill();
        load?.Dispose();
        return pings.OutageSince(killed, s_patience) ?? throw new TimeoutException($"{@case.Name}: the host was not back");
    }

    public void Dispose() => _lab.Dispose();

    private Process Start(FailOpenCase @case)
    {
        string tool = Path.Combine(AppContext.BaseDirectory, "netmap-cli.dll");
        ProcessStartInfo start = new(Environment.ProcessPath!, [tool, .. @case.Arguments]) { RedirectStandardOutput = true };
        Process process = _lab.Near.Run(() => Process.Start(start)!);
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith("Sending on") || line.StartsWith("Receiving from") || line.StartsWith("Ready to go"))
                return process;
        }
        process.Dispose();
        throw new InvalidOperationException($"{@case.Name}: netmap did not start");
    }

    /// <summary>60-byte frames from the far host's own stack, as fast as it can, until disposed.</summary>
    private sealed class Load : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Thread _thread;

        public Load(BenchLab lab)
        {
            UdpLoad load = new(lab);
            _thread = new Thread(() =>
            {
                while (!_stop.IsCancellationRequested)
                    load.Run(TimeSpan.FromMilliseconds(1));
            })
            { IsBackground = true };
            _thread.Start();
        }

        public void Dispose()
        {
            _stop.Cancel();
            _thread.Join();
        }
    }
}
