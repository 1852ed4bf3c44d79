using System.CommandLine;
using Netmap.Cli.Common;

namespace Netmap.Cli.Info;

/// <summary><c>netmap info PORT</c>: what a port is and how it would run, without binding it.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        Argument<string> port = new("port") { Description = "netmap:IFACE, or an interface's bare name" };
        Option<bool> json = new("--json") { Description = "one JSON object" };
        Option<string?> host = new("--host") { Description = "a server that has the port: the path of its socket, or @name" };
        Command command = new("info", "Show what a port is: device, driver, MTU, rings, memory.") { port, json, host };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(port), parsed.GetValue(host), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string port, string? host, bool json)
    {
        string name = port.Contains(':') ? port : "netmap:" + port;
        PortInfo info = host is null ? NetmapPort.Query(name) : NetmapPort.QueryHost(name, host);
        if (json)
        {
            Output.Json(info);
            return ExitCode.Success;
        }
        Output.Pairs(info.Name,
        [
            ("adapter", info.WhyNotNative is { } why ? $"{info.Adapter}; not native: {why}" : info.Adapter),
            ("device", $"{info.Device}: {info.Mode}"),
            ("driver", info.Driver.Length > 0 ? info.Driver : "not told"),
            ("link", $"{info.Link}, index {info.InterfaceIndex}, {info.MacAddress}, MTU {info.Mtu}"),
            ("transmit", $"{info.TxRings} rings of {info.TxSlots} slots"),
            ("receive", $"{info.RxRings} rings of {info.RxSlots} slots"),
            ("memory", $"id {info.MemoryId}, {info.MemorySize} bytes, buffers of {info.BufferSize}"),
        ]);
        return ExitCode.Success;
    }
}
