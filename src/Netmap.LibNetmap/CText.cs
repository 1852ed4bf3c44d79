using System.Runtime.CompilerServices;
using System.Text;

namespace Netmap.LibNetmap;

/// <summary>C strings, as the callers of this library hold them.</summary>
internal static unsafe class CText
{
    /// <summary>The bytes before the terminator.</summary>
    public static ReadOnlySpan<byte> Span(byte* text) => System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text);

    /// <summary>For messages.</summary>
    public static string String(byte* text) => Encoding.UTF8.GetString(Span(text));

    public static bool IsIdentifier(ReadOnlySpan<byte> text)
    {
        foreach (byte c in text)
        {
            if (!char.IsAsciiLetterOrDigit((char)c) && c != '_')
                return false;
        }
        return true;
    }

    /// <summary>The decimal number at <paramref name="text"/>, which moves past it; -1 where there is none. It stops at the largest long.</summary>
    public static long Number(ref byte* text)
    {
        const long Most = (long.MaxValue / 10) - 1;
        byte* start = text;
        long number = 0;
        for (; char.IsAsciiDigit((char)*text); text++)
            number = number > Most ? long.MaxValue : (number * 10) + (*text - '0');
        return text == start ? -1 : number;
    }

    /// <summary>As atoi(3) with 32 bits of strtol(3): blanks, a sign, digits; what does not look like a number is 0.</summary>
    public static int ToNumber(byte* text)
    {
        while (*text is (byte)' ' or (>= (byte)'\t' and <= (byte)'\r'))
            text++;
        bool negative = *text == '-';
        text += *text is (byte)'-' or (byte)'+' ? 1 : 0;
        long number = Math.Max(Number(ref text), 0);
        return unchecked((int)(negative ? -number : number));
    }

    /// <summary>A constant as a C string; it lives as long as the library.</summary>
    public static byte* Constant(ReadOnlySpan<byte> literal) =>
        // UTF-8 literals lie in read-only data, with a terminator behind them.
        (byte*)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(literal));
}
