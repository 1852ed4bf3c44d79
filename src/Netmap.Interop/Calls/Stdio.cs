using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>stdio.h</c>.</summary>
internal static unsafe partial class Stdio
{
    /// <summary>snprintf(3) with four integer or pointer arguments.</summary>
    [LibraryImport("libc")]
    public static partial int snprintf(byte* text, nuint size, byte* format, nint a, nint b, nint c, nint d);
}
