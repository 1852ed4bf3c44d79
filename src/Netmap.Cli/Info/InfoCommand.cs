using System.CommandLine;
using System.Text.Json.Nodes;
using Netmap.Cli.Common;

namespace Netmap.Cli.Info;

/// <summary><c>netmap info PORT</c>: what a port is and how it would run, or runs on a server, without binding it.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        Argument<string?> port = new("port")
        {
            Description = "netmap:IFACE, or an interface's bare name; with --host it may be left out for all of the server",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<bool> json = new("--json") { Description = "one JSON object" };
        Command command = new("info", "Show what a port is: mode and its reason, rings, queues, programs, gear, filter, counters.") { port, json };
        PortArguments.AddTo(command, opens: false);
        command.SetAction(parsed =>
        {
            PortChoice choice = PortArguments.Read(parsed);
            if (parsed.GetValue(port) is { } name)
                return Run(PortNames.Full(name), choice, parsed.GetValue(json));
            return choice.Host is { } host
                ? ServerReport.Run(host, parsed.GetValue(json))
                : throw new UsageException("which port? netmap info PORT, or netmap info --host ADDRESS for all of a server");
        });
        return command;
    }

    private static int Run(string name, PortChoice choice, bool json)
    {
        using NetmapEngine engine = choice.MakeEngine();
        PortInfo info = choice.Host is { } host ? NetmapPort.QueryHost(name, host) : NetmapPort.Query(name, engine);
        PortStatistics statistics = choice.Host is { } there ? NetmapPort.QueryHostStatistics(name, there) : NetmapPort.QueryStatistics(name, engine);
        if (json)
        {
            JsonObject all = JsonNode.Parse(Output.ToJson(info))!.AsObject();
            all["statistics"] = JsonNode.Parse(Output.ToJson(statistics));
            Console.Out.WriteLine(all.ToJsonString());
            return ExitCode.Success;
        }
        Output.Pairs(info.Name, [.. Rows(info, choice.Host is not null), .. Counters("tx", statistics.Tx), .. Counters("rx", statistics.Rx),
            .. Counters("host tx", statistics.HostTx), .. Counters("host rx", statistics.HostRx)]);
        return ExitCode.Success;
    }

    private static IEnumerable<(string Name, string Value)> Rows(PortInfo info, bool hosted)
    {
        yield return ("adapter", info.WhyNotNative is { } why ? $"{info.Adapter}; not native: {why}" : info.Adapter);
        if (info.WhyNotOpen is { } refusal)
            yield return ("open", $"would be refused: {refusal}");
        yield return ("device", $"{info.Device}: {info.Mode}");
        if (info.Gear is { } gear)
            yield return ("gear", gear);
        if (info.Filter is { } filter)
            yield return ("filter", filter);
        yield return ("driver", info.Driver.Length > 0 ? info.Driver : "not told");
        yield return ("link", $"{info.Link}, index {info.InterfaceIndex}, {info.MacAddress}, MTU {info.Mtu}");
        yield return ("transmit", $"{info.TxRings} rings of {info.TxSlots} slots");
        yield return ("receive", $"{info.RxRings} rings of {info.RxSlots} slots");
        if (hosted)
            yield return ("owner", info.SharedWith.Length > 0 ? $"{info.Owner}, shared with {info.SharedWith}" : info.Owner);
        yield return ("memory", $"id {info.MemoryId}, {info.MemorySize} bytes, buffers of {info.BufferSize}");
        foreach (PortQueue queue in info.Queues)
            yield return ($"{queue.Direction} {queue.Ring}", $"{(queue.Queue is { } number ? $"queue {number}" : "no queue of its own")}, socket {queue.Socket}, {queue.Mode}");
        foreach (PortProgram program in info.Programs)
            yield return ("program", $"{program.ProgramId}, link {program.LinkId}, {program.Hook}");
    }

    /// <summary>Rings that have moved something.</summary>
    private static IEnumerable<(string Name, string Value)> Counters(string what, IReadOnlyList<RingStatistics> rings)
    {
        foreach (RingStatistics ring in rings.Where(ring => ring.Packets > 0 || ring.Drops.Count > 0))
        {
            string lost = string.Concat(ring.Drops.Select(drop => $", {drop.Value} dropped: {drop.Key}"));
            yield return ($"{what} {ring.Ring}", $"{ring.Packets} packets, {ring.FastPackets} of them in the fast gear, {ring.Bytes} bytes, {ring.Syncs} syncs{lost}");
        }
    }
}
