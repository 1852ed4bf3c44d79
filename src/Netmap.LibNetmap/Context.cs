using System.Runtime.InteropServices;
using System.Text;
using Netmap.Interop;

namespace Netmap.LibNetmap;

/// <summary>
/// nmctx_*: where a port's messages and memory go (spec 11.1). The default context prints to standard error and may be
/// used from several threads.
/// </summary>
internal static unsafe class Context
{
    private const int LongestMessage = 1000;

    private static readonly Lock s_lock = new();
    private static nmctx* s_default = MakeDefault();

    public static nmctx* Default => s_default;

    /// <summary>Reports an error, sets errno, and returns -1.</summary>
    public static int Fail(nmctx* ctx, Errno errno, string message)
    {
        Say(ctx, message);
        Marshal.SetLastSystemError((int)errno);
        return -1;
    }

    /// <summary>The system's words for an error.</summary>
    public static string Words(Errno errno) => Marshal.GetPInvokeErrorMessage((int)errno);

    public static void Say(nmctx* ctx, string message)
    {
        if (ctx->verbose == 0 || ctx->error == null)
            return;
        byte* text = stackalloc byte[LongestMessage];
        Encoder encoder = Encoding.UTF8.GetEncoder();
        encoder.Convert(message, new Span<byte>(text, LongestMessage - 1), flush: true, out _, out int bytes, out _);
        text[bytes] = 0;
        ((delegate* unmanaged<nmctx*, byte*, void>)ctx->error)(ctx, text);
    }

    /// <summary>Zeroed memory, or null, with the error reported.</summary>
    public static T* New<T>(nmctx* ctx)
        where T : unmanaged
    {
        T* made = (T*)Malloc(ctx, (nuint)sizeof(T));
        if (made == null)
            Fail(ctx, Errno.ENOMEM, $"cannot allocate {sizeof(T)} bytes for {typeof(T).Name}");
        else
            *made = default;
        return made;
    }

    [UnmanagedCallersOnly(EntryPoint = "nmctx_malloc")]
    public static void* ExportedMalloc(nmctx* ctx, nuint size) => Malloc(ctx, size);

    public static void* Malloc(nmctx* ctx, nuint size) => ((delegate* unmanaged<nmctx*, nuint, void*>)ctx->malloc)(ctx, size);

    [UnmanagedCallersOnly(EntryPoint = "nmctx_free")]
    public static void ExportedFree(nmctx* ctx, void* memory) => Free(ctx, memory);

    public static void Free(nmctx* ctx, void* memory) => ((delegate* unmanaged<nmctx*, void*, void>)ctx->free)(ctx, memory);

    [UnmanagedCallersOnly(EntryPoint = "nmctx_lock")]
    public static void ExportedLock(nmctx* ctx) => SetLock(ctx, true);

    [UnmanagedCallersOnly(EntryPoint = "nmctx_unlock")]
    public static void ExportedUnlock(nmctx* ctx) => SetLock(ctx, false);

    public static void SetLock(nmctx* ctx, bool taken)
    {
        if (ctx->@lock != null)
            ((delegate* unmanaged<nmctx*, int, void>)ctx->@lock)(ctx, taken ? 1 : 0);
    }

    [UnmanagedCallersOnly(EntryPoint = "nmctx_get")]
    public static nmctx* Get() => s_default;

    [UnmanagedCallersOnly(EntryPoint = "nmctx_set_default")]
    public static nmctx* SetDefault(nmctx* ctx)
    {
        nmctx* old = s_default;
        s_default = ctx;
        return old;
    }

    /// <summary>Gives the default context its lock back, should a program have taken it away.</summary>
    [UnmanagedCallersOnly(EntryPoint = "nmctx_set_threadsafe")]
    public static void SetThreadSafe() => s_default->@lock = (delegate* unmanaged<nmctx*, int, void>)&DefaultLock;

    private static nmctx* MakeDefault()
    {
        nmctx* ctx = (nmctx*)NativeMemory.AllocZeroed((nuint)sizeof(nmctx));
        ctx->verbose = 1;
        ctx->error = (delegate* unmanaged<nmctx*, byte*, void>)&DefaultError;
        ctx->malloc = (delegate* unmanaged<nmctx*, nuint, void*>)&DefaultMalloc;
        ctx->free = (delegate* unmanaged<nmctx*, void*, void>)&DefaultFree;
        ctx->@lock = (delegate* unmanaged<nmctx*, int, void>)&DefaultLock;
        return ctx;
    }

    [UnmanagedCallersOnly]
    private static void DefaultError(nmctx* ctx, byte* message)
    {
        // Cut, as it goes on the stack: programs call this as well, with messages of any length.
        ReadOnlySpan<byte> text = CText.Span(message);
        text = text[..Math.Min(text.Length, LongestMessage)];
        Span<byte> line = stackalloc byte[text.Length + 1];
        text.CopyTo(line);
        line[^1] = (byte)'\n';
        fixed (byte* start = line)
            Unistd.write(Unistd.STDERR_FILENO, start, (nuint)line.Length);
    }

    [UnmanagedCallersOnly]
    private static void* DefaultMalloc(nmctx* ctx, nuint size) => Stdlib.malloc(size);

    [UnmanagedCallersOnly]
    private static void DefaultFree(nmctx* ctx, void* memory) => Stdlib.free(memory);

    [UnmanagedCallersOnly]
    private static void DefaultLock(nmctx* ctx, int taken)
    {
        if (taken != 0)
            s_lock.Enter();
        else
            s_lock.Exit();
    }
}
