using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Netmap.Server;

/// <summary>A server's state as text: whole JSON in every answer, the files in parts if they do not fit one.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ServerStatus))]
internal sealed partial class StatusJson : JsonSerializerContext
{
    /// <param name="status">All of it.</param>
    /// <param name="words">How many files the client has already; empty for none.</param>
    /// <param name="room">Bytes of an answer.</param>
    public static string Of(ServerStatus status, string words, int room)
    {
        FileStatus[] files = [.. status.Files.Skip(int.TryParse(words, NumberStyles.None, CultureInfo.InvariantCulture, out int known) ? known : 0)];
        int most = files.Length;
        while (true)
        {
            string text = JsonSerializer.Serialize(status with { Files = files[..most], More = files.Length - most }, Default.ServerStatus);
            // Names are printable ASCII, or escaped: a character is a byte.
            if (text.Length <= room || most == 0)
                return text;
            most = Math.Min(most - 1, (int)((long)most * room / text.Length));
        }
    }

    /// <summary>One text of the parts.</summary>
    /// <param name="ask">Asks for what follows so many files.</param>
    public static string Collect(Func<string, string> ask)
    {
        string first = ask("");
        JsonObject all = JsonNode.Parse(first)!.AsObject();
        if ((int?)all["more"] is not > 0)
            return first;
        JsonArray files = all["files"]!.AsArray();
        for (JsonObject? part = all; (int?)part["more"] is > 0;)
        {
            part = JsonNode.Parse(ask(files.Count.ToString(CultureInfo.InvariantCulture)))!.AsObject();
            foreach (JsonNode? file in part["files"]!.AsArray().ToArray())
                files.Add(file!.DeepClone());
        }
        all["more"] = 0;
        return all.ToJsonString();
    }
}
