namespace Netmap.Cli.PktGen;

/// <summary>Frames as hexadecimal and text, 16 bytes a line.</summary>
internal static class HexDump
{
    public static void Write(TextWriter writer, ReadOnlySpan<byte> bytes)
    {
        writer.WriteLine($"{bytes.Length} bytes");
        for (int at = 0; at < bytes.Length; at += 16)
        {
            ReadOnlySpan<byte> line = bytes[at..Math.Min(at + 16, bytes.Length)];
            string text = string.Concat(line.ToArray().Select(b => b is >= 32 and < 127 ? (char)b : '.'));
            writer.WriteLine($"{at,5}: {string.Join(' ', line.ToArray().Select(b => b.ToString("x2"))),-47}  {text}");
        }
    }
}
