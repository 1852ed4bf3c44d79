using System.Net;
using Netmap.Cli.Common;

namespace Netmap.Cli.Demo;

/// <summary>The demonstration, step by step, and its table.</summary>
internal sealed class DemoRun(long frames, int pings, bool json)
{
    public int Execute()
    {
        using Interrupt interrupt = new();
        using DemoLab lab = new();
        Say(lab.HasKernel ? "two network namespaces, joined by a veth pair" : lab.Note);
        List<Transfer> transfers = [];
        PortInfo info;
        using (NetmapPort left = lab.OpenLeft())
        using (NetmapPort right = lab.OpenRight())
        {
            info = left.Info;
            Say($"{info.Adapter} adapter on {info.Driver} by {info.Device}: {info.Mode}{(info.WhyNotNative is { } why ? $"; not native: {why}" : "")}");
            transfers.Add(Transfer.Run("left to right", left, right, frames, lab.WireDrops, interrupt.Token));
            Say($"sent {transfers[0].Sent} frames to the right, {transfers[0].Received} arrived");
            transfers.Add(Transfer.Run("right to left", right, left, frames, lab.WireDrops, interrupt.Token));
            Say($"sent {transfers[1].Sent} frames to the left, {transfers[1].Received} arrived");
        }
        (int asked, int lost) = lab.HasKernel ? Ping(lab, interrupt.Token) : (0, 0);
        return Report(lab, info, transfers, asked, lost, interrupt.Happened);
    }

    private (int Asked, int Lost) Ping(DemoLab lab, CancellationToken stop)
    {
        using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using NetmapPort port = lab.OpenLeft();
        byte[] mac = Convert.FromHexString(port.Info.MacAddress.Replace(":", ""));
        EchoResponder responder = new(mac, IPAddress.Parse(DemoLab.LeftAddress).GetAddressBytes());
        Thread serving = new(() => responder.Serve(port, done.Token)) { IsBackground = true };
        serving.Start();
        int lost = lab.InRight(() => KernelPing.Run(DemoLab.LeftAddress, pings, stop));
        done.Cancel();
        serving.Join();
        Say($"{pings} echo requests from a kernel socket, {lost} not answered");
        return (pings, lost);
    }

    private int Report(DemoLab lab, PortInfo info, List<Transfer> transfers, int asked, int lost, bool interrupted)
    {
        // Every frame sent arrived or is in a counter; the echo responder answered everything.
        bool ok = !interrupted && lost == 0 && transfers.All(t => t.Sent == frames && t.Received > 0 && t.Sent - t.Received <= t.Dropped.Values.Sum());
        Dictionary<string, long> dropped = transfers.SelectMany(t => t.Dropped).GroupBy(d => d.Key).ToDictionary(g => g.Key, g => g.Sum(d => d.Value));
        if (json)
        {
            Output.Json(new
            {
                Ok = ok,
                info.Adapter,
                info.Device,
                Sent = transfers.Sum(t => t.Sent),
                Received = transfers.Sum(t => t.Received),
                Dropped = dropped,
                TxMpps = Math.Round(transfers.Average(t => t.TxMpps), 3),
                RxMpps = Math.Round(transfers.Average(t => t.RxMpps), 3),
                PingSent = asked,
                PingLost = lost,
                lab.Note,
            });
        }
        else
        {
            Output.Table("what became of every frame", ["", "sent", "received", "dropped", "tx Mpps", "rx Mpps"],
            [
                .. transfers.Select(t => new[] { t.Name, $"{t.Sent}", $"{t.Received}", Reasons(t), $"{t.TxMpps:F3}", $"{t.RxMpps:F3}" }),
                ["ping", $"{asked}", $"{asked - lost}", lost > 0 ? $"{lost} unanswered" : "none", "", ""],
            ]);
            Console.Out.WriteLine(ok ? "ok" : "not ok");
        }
        return ok ? ExitCode.Success : interrupted ? ExitCode.Interrupted : ExitCode.Failure;
    }

    private static string Reasons(Transfer transfer) => transfer.Dropped.Count == 0 ? "none"
        : string.Join(", ", transfer.Dropped.Select(d => $"{d.Value} {d.Key}"));

    private void Say(string line) => (json ? Console.Error : Console.Out).WriteLine(line);
}
