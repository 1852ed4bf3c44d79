using Netmap.Cli.Common;

namespace Netmap.Cli.ValeCtl;

/// <summary>Carries actions out, and stays while a switch of this process works.</summary>
internal sealed class ValeCtlRun(ISwitchHost host, ValeConfig config, int memory, bool verbose, bool json)
{
    /// <summary>Persistent ports this process has made.</summary>
    private readonly HashSet<string> _made = [];

    public int Execute(IReadOnlyList<ValeAction> actions)
    {
        if (actions.Count == 0)
            return ListAll();
        // Before anything is attached, so that an early Ctrl-C ends in order too.
        using Interrupt interrupt = new();
        foreach (ValeAction action in actions)
        {
            try
            {
                Do(action);
            }
            catch (NetmapException refused)
            {
                Console.Error.WriteLine($"failed to {action.Verb} {action.Name}: {Reason(refused)}");
                return ExitCode.Failure;
            }
        }
        if (host.IsOwn && (_made.Count > 0 || host.List().Count > 0))
            Stay(interrupt);
        return ExitCode.Success;
    }

    /// <summary>The message without what the line says already.</summary>
    private static string Reason(NetmapException refused)
    {
        string known = $"{refused.Operation} {refused.Port}: ";
        return refused.Message.StartsWith(known, StringComparison.Ordinal) ? refused.Message[known.Length..] : refused.Message;
    }

    private void Do(ValeAction action)
    {
        switch (action.Option)
        {
            case 'a' or 'h':
                Done(action, $"port_index {host.Attach(action.Name, action.Option == 'h', memory)}");
                break;
            case 'd':
                Done(action, $"port_index {host.Detach(action.Name)}");
                break;
            case 'n':
                PersistentPort made = host.CreatePort(action.Name, config.Shape(memory));
                _made.Add(action.Name);
                Done(action, $"tx_slots {made.TxSlots} rx_slots {made.RxSlots} tx_rings {made.TxRings} rx_rings {made.RxRings} mem_id {made.MemoryId}");
                break;
            case 'r':
                host.DeletePort(action.Name);
                _made.Remove(action.Name);
                break;
            case 'g':
                Info(action.Name);
                break;
            case 'l':
                Show(host.Find(action.Name));
                break;
            case ValeAction.Share:
                string[] share = action.Name.Split('=', 2);
                if (share.Length < 2 || share[0].Length == 0)
                    throw new UsageException($"--share {action.Name}: valeX=LIST, the list empty for the switch's owner alone");
                host.Share(share[0], share[1]);
                break;
            case 'p':
                host.EnablePolling(action.Name, config.Polling);
                break;
            default:
                host.DisablePolling(action.Name);
                break;
        }
    }

    private void Done(ValeAction action, string result)
    {
        if (json)
            Output.Json(new { action = action.Verb, action.Name, result });
        else if (verbose)
            Console.Out.WriteLine($"{action.Verb} {action.Name}: {result}");
    }

    private int ListAll()
    {
        IReadOnlyList<SwitchPortAddress> ports = host.List();
        foreach (SwitchPortAddress port in ports)
            Show(port);
        if (ports.Count == 0 && host.IsOwn)
            Console.Error.WriteLine("no ports: each netmap process hosts its own switches, and this one has just begun; see netmap vale-ctl --help");
        if (verbose)
            ReportAll(ports);
        return ExitCode.Failure;
    }

    /// <summary>Owners are of interest where users are several: in a server.</summary>
    private void Show(SwitchPortAddress port)
    {
        string[] parts = port.Name.Split(':', 2);
        SwitchStatistics? vale = Switch(parts[0]);
        string? owner = vale?.Ports.FirstOrDefault(found => found.Name == parts[1])?.Owner;
        if (json)
        {
            Output.Json(new
            {
                port.Name,
                bridge_idx = port.SwitchIndex,
                port_idx = port.PortIndex,
                switch_owner = vale?.Owner,
                shared_with = vale?.SharedWith,
                owner,
            });
            return;
        }
        string shared = vale is { SharedWith.Length: > 0 } ? $" shared {vale.SharedWith}" : "";
        string owners = host.IsOwn || vale is null ? "" : $" switch_owner {vale.Owner}{shared} owner {owner ?? "-"}";
        Console.Out.WriteLine($"{port.Name} bridge_idx {port.SwitchIndex} port_idx {port.PortIndex}{owners}");
    }

    /// <summary>Null for a switch that went away meanwhile.</summary>
    private SwitchStatistics? Switch(string name)
    {
        try
        {
            return host.Statistics(name);
        }
        catch (NetmapException gone) when (gone.ErrorName == "ENXIO")
        {
            return null;
        }
    }

    private void Info(string name)
    {
        PortInfo info = host.Info(name.Contains(':') ? name : "netmap:" + name);
        if (json)
        {
            Output.Json(info);
            return;
        }
        Console.Out.WriteLine($"memsize: {info.MemorySize}");
        Console.Out.WriteLine($"tx_slots: {info.TxSlots}");
        Console.Out.WriteLine($"rx_slots: {info.RxSlots}");
        Console.Out.WriteLine($"tx_rings: {info.TxRings}");
        Console.Out.WriteLine($"rx_rings: {info.RxRings}");
        Console.Out.WriteLine($"mem_id: {info.MemoryId}");
    }

    private void Stay(Interrupt interrupt)
    {
        string[] ports = [.. host.List().Select(port => port.Name)];
        IEnumerable<string> idle = _made.Where(name => !ports.Any(port => port.EndsWith($":{name}", StringComparison.Ordinal)));
        Console.Error.WriteLine($"{string.Join(", ", ports.Concat(idle))}: hosted by this process, which goes on until Ctrl-C");
        interrupt.Token.WaitHandle.WaitOne();
        ReportAll(host.List());
    }

    /// <summary>What each port of the switches that these are on has counted.</summary>
    private void ReportAll(IReadOnlyList<SwitchPortAddress> ports)
    {
        foreach (string name in ports.Select(port => port.Name[..port.Name.IndexOf(':')]).Distinct())
        {
            foreach (SwitchPortStatistics port in host.Statistics(name).Ports)
                Report(name, port);
        }
    }

    private void Report(string name, SwitchPortStatistics port)
    {
        if (json)
        {
            Output.Json(new { @switch = name, port });
            return;
        }
        string drops = string.Concat(Drops("in", port.InDrops).Concat(Drops("out", port.OutDrops)));
        Console.Out.WriteLine($"{name}:{port.Name} in {port.InPackets} packets {port.InBytes} bytes, out {port.OutPackets} packets {port.OutBytes} bytes{drops}");
    }

    private static IEnumerable<string> Drops(string way, IReadOnlyDictionary<DropReason, long> drops) =>
        drops.Select(drop => $", {way} lost {drop.Value} ({drop.Key})");
}
