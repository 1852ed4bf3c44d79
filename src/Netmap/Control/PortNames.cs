using System.Text;

namespace Netmap.Control;

/// <summary>Names in fixed C character arrays.</summary>
internal static class PortNames
{
    /// <summary>Up to the first NUL; the last byte counts as NUL whatever it is (spec 3.1).</summary>
    public static string Read(ReadOnlySpan<byte> field)
    {
        field = field[..^1];
        int end = field.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? field : field[..end]);
    }

    /// <summary>Cut to the field, NUL-terminated.</summary>
    public static void Write(Span<byte> field, string name)
    {
        field.Clear();
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        bytes.AsSpan(0, Math.Min(bytes.Length, field.Length - 1)).CopyTo(field);
    }
}
