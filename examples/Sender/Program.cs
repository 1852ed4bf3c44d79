// Sends broadcast frames as fast as the interface takes them: Sender netmap:eth0 [count]
using System.Diagnostics;
using Netmap;

long count = 1_000_000;
if (args.Length is < 1 or > 2 || (args.Length > 1 && !long.TryParse(args[1], out count)))
{
    Console.Error.WriteLine("usage: Sender PORT [COUNT], for example: Sender netmap:eth0 1000000");
    return 2;
}
byte[] frame = new byte[60];
frame.AsSpan(0, 6).Fill(0xff);
new byte[] { 0x02, 0, 0, 0, 0, 1, 0x88, 0xb5 }.CopyTo(frame, 6);

try
{
    using NetmapPort port = NetmapPort.Open(args[0], new NetmapPortOptions { TransmitOnly = true });
    Console.WriteLine($"{port.Info.Adapter} on {port.Info.Device}: {port.Info.Mode}");
    TxRing ring = port.TxRings[0];
    long sent = 0;
    long started = Stopwatch.GetTimestamp();
    while (sent < count)
    {
        // Fill what is free, then give it all to the port with one sync.
        while (sent < count && ring.TrySend(frame))
            sent++;
        port.TxSync();
        if (ring.Space == 0)
            port.Poll(PollEvents.Transmit, TimeSpan.FromSeconds(1));
    }
    while (ring.IsPending)
        port.TxSync();
    Console.WriteLine($"{sent} frames, {sent / Stopwatch.GetElapsedTime(started).TotalSeconds / 1e6:F3} Mpps");
    foreach ((DropReason reason, long frames) in port.GetStatistics().Drops)
        Console.WriteLine($"dropped {frames}: {reason}");
    return 0;
}
catch (NetmapException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
