using Netmap.Access;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Vale;

/// <summary>
/// A learning Ethernet switch (spec 7). Senders forward on their own threads and look at an immutable table of ports;
/// whoever takes a port out replaces the table and then waits until every sender has left the sync it was in, so nobody
/// touches a port that is gone, and the data path takes no lock.
/// </summary>
internal sealed class ValeSwitch(Owner owner, string name, int index, NetmapEngineOptions options)
{
    /// <summary>Never a port's number: VALE_LIST says with it that a switch has no port of a name (spec 7.3).</summary>
    public const int NoPort = 255;

    private PortTable _ports = new([], []);
    private volatile bool _lossless;

    /// <summary>With the colon left out: <c>vale0</c>.</summary>
    public string Name { get; } = name;

    /// <summary>Who made it.</summary>
    public Owner Owner { get; } = owner;

    /// <summary>Who may have ports on it, beside its owner; the owner's decision. Under the control lock.</summary>
    public UserList SharedWith { get; set; } = UserList.None;

    /// <summary>nr_bridge_idx.</summary>
    public int Index { get; } = index;

    public NetmapEngineOptions Options { get; } = options;

    /// <summary>Those who want the switch to stay, with ports or without. Under the control lock.</summary>
    public int Holders { get; set; }

    /// <summary>Senders wait for room instead of dropping.</summary>
    public bool Lossless
    {
        get => _lossless;
        set
        {
            _lossless = value;
            if (!value)
                RoomMade();
        }
    }

    /// <summary>The time of the table: seconds.</summary>
    public uint Now => (uint)(Options.Clock.GetTimestamp() / Options.Clock.TimestampFrequency);

    public ForwardingTable Table { get; } =
        new(options.SwitchTableSize, (uint)Math.Clamp(options.SwitchAging.TotalSeconds, 1, int.MaxValue));

    public PortTable Ports => Volatile.Read(ref _ports);

    public SwitchPort? Find(string port) => Ports.All.FirstOrDefault(p => p.Name == port);

    /// <summary>Puts a port on the lowest free number. Under the control lock.</summary>
    /// <exception cref="NetmapException">ENOMEM the switch is full.</exception>
    public void Attach(SwitchPort port)
    {
        PortTable ports = Ports;
        if (ports.All.Length >= Options.SwitchPortCount)
            throw new NetmapException(Errno.ENOMEM, "attach", $"{Name}:{port.Name}",
                $"the switch has {ports.All.Length} ports; raise SwitchPortCount");
        int number = 0;
        while (number == NoPort || (number < ports.ByNumber.Length && ports.ByNumber[number] is not null))
            number++;
        SwitchPort?[] byNumber = [.. ports.ByNumber];
        if (number >= byNumber.Length)
            Array.Resize(ref byNumber, number + 1);
        byNumber[number] = port;
        port.Number = number;
        Volatile.Write(ref _ports, PortTable.Of(byNumber));
    }

    /// <summary>Takes a port out; when it returns no sender knows it any more. Under the control lock.</summary>
    public void Detach(SwitchPort port)
    {
        SwitchPort?[] byNumber = [.. Ports.ByNumber];
        byNumber[port.Number] = null;
        Volatile.Write(ref _ports, PortTable.Of(byNumber));
        Synchronize();
        foreach (KRing ring in port.Sources)
            ring.Synchronize();
        Table.Forget(port.Number);
        port.Number = -1;
        RoomMade();
    }

    /// <summary>Waits until every sender has left the sync it is in now.</summary>
    public void Synchronize()
    {
        foreach (SwitchPort port in Ports.All)
        {
            foreach (KRing ring in port.Sources)
                ring.Synchronize();
        }
    }

    /// <summary>Wakes senders that wait for room.</summary>
    public void RoomMade()
    {
        foreach (SwitchPort port in Ports.All)
            port.RoomMade();
    }
}

/// <summary>The ports of a switch at one moment: by number, with gaps, and all of them without.</summary>
internal sealed record PortTable(SwitchPort?[] ByNumber, SwitchPort[] All)
{
    public static PortTable Of(SwitchPort?[] byNumber) => new(byNumber, [.. byNumber.OfType<SwitchPort>()]);
}
