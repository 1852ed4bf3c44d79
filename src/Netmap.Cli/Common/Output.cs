using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Netmap.Cli.Common;

/// <summary>Results for people or, with --json, one object a line for machines.</summary>
internal static class Output
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DictionaryKeyPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    public static void Json<T>(T value) => Console.Out.WriteLine(ToJson(value));

    public static string ToJson<T>(T value) => JsonSerializer.Serialize(value, s_json);

    /// <summary>Two columns, the first a name.</summary>
    public static void Pairs(string title, IEnumerable<(string Name, string Value)> rows)
    {
        Console.Out.WriteLine(title);
        foreach ((string name, string value) in rows)
            Console.Out.WriteLine($"  {name,-14} {value}");
    }

    public static void Table(string title, string[] columns, IEnumerable<string[]> rows)
    {
        // A file or a pipe has no width: lines are as long as they need to be.
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = 200;
        Table table = new Table { Border = TableBorder.Simple }.Title(Markup.Escape(title));
        foreach (string column in columns)
            table.AddColumn(Markup.Escape(column));
        foreach (string[] row in rows)
            table.AddRow([.. row.Select(Markup.Escape)]);
        AnsiConsole.Write(table);
    }
}
