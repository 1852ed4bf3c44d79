// A software switch with three ports, and two stations that talk through it: Switch [INTERFACE…]. Interfaces named on the
// command line are attached too, and the switch then works until Ctrl-C or SIGTERM.
using System.Runtime.InteropServices;
using Netmap;

try
{
    using NetmapSwitch vale = NetmapSwitch.Create("vale0");
    using NetmapPort alice = vale.Open("alice");
    using NetmapPort bob = vale.Open("bob");
    using NetmapPort carol = vale.Open("carol");

    // Nobody knows bob yet: the first frame goes to everybody, and teaches the switch where alice is.
    Send(alice, from: 1, to: 2, "hello bob");
    Print("bob", bob);
    Print("carol", carol);

    // The answer reaches alice alone.
    Send(bob, from: 2, to: 1, "hello alice");
    Print("alice", alice);
    Print("carol", carol);

    foreach (ForwardingEntry entry in vale.ForwardingTable.OrderBy(entry => entry.PortIndex))
        Console.WriteLine($"{entry.MacAddress} is at port {entry.PortIndex}, {entry.Port}");
    if (args.Length > 0)
        await Bridge(vale, args);
    foreach (SwitchPortStatistics port in vale.GetStatistics().Ports)
        Console.WriteLine($"{port.Name}: {port.InPackets} frames in, {port.OutPackets} out, lost {port.InDrops.Concat(port.OutDrops).Sum(drop => drop.Value)}");
    return 0;
}
catch (NetmapException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

static async Task Bridge(NetmapSwitch vale, string[] interfaces)
{
    foreach (string name in interfaces)
        Console.WriteLine($"{name} is port {vale.Attach(name).Index}");
    TaskCompletionSource stopped = new();
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    await stopped.Task;

    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stopped.TrySetResult();
    }
}

static void Send(NetmapPort port, byte from, byte to, string text)
{
    byte[] frame = [2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 0x88, 0xb5, .. System.Text.Encoding.ASCII.GetBytes(text.PadRight(46))];
    port.TxRings[0].TrySend(frame);
    // Forwards on this thread: the frame is with its receivers when this returns.
    port.TxSync();
}

static void Print(string name, NetmapPort port)
{
    port.RxSync();
    if (port.RxRings[0].Available == 0)
        Console.WriteLine($"{name} hears nothing");
    foreach (RxFrame frame in port.RxRings[0])
        Console.WriteLine($"{name} hears: {System.Text.Encoding.ASCII.GetString(frame.Data[14..]).TrimEnd()}");
}
