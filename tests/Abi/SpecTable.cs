namespace Netmap.Tests.Abi;

/// <summary>The layouts and values of the specification, as two text files beside the programs.</summary>
internal static class SpecTable
{
    /// <summary>A field's place and size; the size is 0 for an array of open length.</summary>
    public readonly record struct Field(string Name, int Offset, int Size);

    /// <summary>A struct as the specification gives it.</summary>
    public sealed record Layout(string Name, int Size, int Alignment, Field[] Fields);

    public static IReadOnlyDictionary<string, Layout> Layouts { get; } = ReadLayouts().ToDictionary(layout => layout.Name);

    /// <summary>Names and their values, numbers in C's notation.</summary>
    public static IReadOnlyDictionary<string, string> Constants { get; } =
        Lines("constants.txt").Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => parts[1]);

    private static IEnumerable<Layout> ReadLayouts()
    {
        foreach (string entry in string.Join(' ', Lines("layouts.txt")).Split("struct ", StringSplitOptions.RemoveEmptyEntries))
        {
            string[] head = entry.Split((char[]?)null, 4, StringSplitOptions.RemoveEmptyEntries);
            yield return new(head[0], int.Parse(head[1]), int.Parse(head[2]), [.. head[3].Split(',').Select(ReadField)]);
        }
    }

    private static Field ReadField(string text)
    {
        string[] parts = text.Trim().Split(' ', ':');
        return new(parts[0], int.Parse(parts[1]), int.Parse(parts[2]));
    }

    private static IEnumerable<string> Lines(string file) =>
        File.ReadLines(Path.Combine(Gcc.Tables, file)).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#');
}
