using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Netmap.Cli.Common;
using Netmap.Server;

namespace Netmap.Cli.Info;

/// <summary><c>netmap info --host ADDRESS</c>: a server's ports and switches with their owners, and what users have of it.</summary>
internal static class ServerReport
{
    public static int Run(string host, bool json)
    {
        string status = NetmapHost.Status(host);
        IReadOnlyList<(string Name, SwitchStatistics State)> switches = Switches(host);
        if (json)
        {
            JsonObject all = JsonNode.Parse(status)!.AsObject();
            all["switches"] = new JsonArray([.. switches.Select(vale => AsJson(vale.Name, vale.State))]);
            Console.Out.WriteLine(all.ToJsonString());
            return ExitCode.Success;
        }
        using JsonDocument document = JsonDocument.Parse(status);
        JsonElement root = document.RootElement;
        Output.Table("ports open", ["port", "owner", "shared with", "opened by", "process", "rings"], Files(root));
        Output.Table("switches", ["switch", "owner", "shared with", "ports, with their owners"], switches.Select(vale => Row(vale.Name, vale.State)));
        Output.Table("users: what they have, of what they may have",
            ["user", "memory, MiB", "memories", "rings", "switches", "ports", "attachments", "files"], Users(root));
        return ExitCode.Success;
    }

    private static IReadOnlyList<(string, SwitchStatistics)> Switches(string host)
    {
        using HostSwitches switches = new(host);
        List<(string, SwitchStatistics)> found = [];
        foreach (string name in switches.List().Select(port => port.Name[..port.Name.IndexOf(':')]).Distinct())
        {
            try
            {
                found.Add((name, switches.GetStatistics(name)));
            }
            catch (NetmapException gone) when (gone.ErrorName == "ENXIO")
            {
                // It went with its last port meanwhile.
            }
        }
        return found;
    }

    private static JsonNode AsJson(string name, SwitchStatistics state)
    {
        JsonObject vale = JsonNode.Parse(Output.ToJson(state))!.AsObject();
        vale["name"] = name;
        return vale;
    }

    private static string[] Row(string name, SwitchStatistics vale) =>
        [name, vale.Owner, vale.SharedWith, string.Join(", ", vale.Ports.Select(port => $"{port.Name} ({port.Owner})"))];

    private static IEnumerable<string[]> Files(JsonElement root) =>
        from file in root.GetProperty("files").EnumerateArray()
        where file.GetProperty("port").ValueKind == JsonValueKind.String
        select (string[])
        [
            Text(file, "port"), Text(file, "owner"), Text(file, "shared_with"), Text(file, "user_name"),
            Number(file.GetProperty("process")), Number(file.GetProperty("rings")),
        ];

    private static IEnumerable<string[]> Users(JsonElement root)
    {
        ILookup<uint, JsonElement> files = root.GetProperty("files").EnumerateArray().ToLookup(file => file.GetProperty("user").GetUInt32());
        foreach (JsonElement account in root.GetProperty("accounts").EnumerateArray())
        {
            uint user = account.GetProperty("user").GetUInt32();
            yield return
            [
                $"{Text(account, "name")} ({user})", Use(account, "memory", shift: 20), Use(account, "memories"), Use(account, "rings"),
                Use(account, "switches"), Use(account, "ports"), Use(account, "attachments"),
                string.Create(CultureInfo.InvariantCulture, $"{files[user].Count()} of {Most(root.GetProperty("files_per_user").GetInt64())}"),
            ];
        }
    }

    private static string Use(JsonElement account, string what, int shift = 0)
    {
        JsonElement use = account.GetProperty(what);
        return string.Create(CultureInfo.InvariantCulture,
            $"{use.GetProperty("now").GetInt64() >> shift} of {Most(use.GetProperty("limit").GetInt64(), shift)}");
    }

    private static string Most(long limit, int shift = 0) =>
        limit is int.MaxValue or long.MaxValue ? "unlimited" : (limit >> shift).ToString(CultureInfo.InvariantCulture);

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";

    private static string Number(JsonElement number) => number.GetInt64().ToString(CultureInfo.InvariantCulture);
}
