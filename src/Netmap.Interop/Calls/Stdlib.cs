using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>stdlib.h</c>.</summary>
internal static unsafe partial class Stdlib
{
    [LibraryImport("libc")]
    public static partial void* malloc(nuint size);

    [LibraryImport("libc")]
    public static partial void free(void* memory);
}
