// Prints the frames an interface receives, without blocking a thread: Receiver netmap:eth0. Ctrl-C or SIGTERM ends it.
using System.Runtime.InteropServices;
using Netmap;

if (args.Length != 1)
{
    Console.Error.WriteLine("usage: Receiver PORT, for example: Receiver netmap:eth0");
    return 2;
}
using CancellationTokenSource stop = new();
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

long frames = 0;
try
{
    using NetmapPort port = NetmapPort.Open(args[0], new NetmapPortOptions { ReceiveOnly = true });
    Console.WriteLine($"{port.Info.Adapter} on {port.Info.Device}: {port.Info.Mode}");
    while (true)
    {
        await port.WaitForReceiveAsync(stop.Token);
        foreach (RxRing ring in port.RxRings)
            frames += Print(ring);
    }
}
catch (OperationCanceledException)
{
    Console.WriteLine($"{frames} frames");
    return 0;
}
catch (NetmapException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}

static int Print(RxRing ring)
{
    int count = 0;
    // The slots go back to the port when the loop ends.
    foreach (RxFrame frame in ring)
    {
        string start = Convert.ToHexString(frame.Data[..Math.Min(14, frame.Data.Length)]);
        Console.WriteLine($"ring {ring.Index}: {frame.Length} bytes in {frame.SlotCount} slots, {start}");
        count++;
    }
    return count;
}
