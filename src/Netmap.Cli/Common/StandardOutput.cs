using Microsoft.Win32.SafeHandles;

namespace Netmap.Cli.Common;

/// <summary>
/// Standard output into a pipe. When its reader has gone (<c>| head</c>) the tool ends, as SIGPIPE ends other programs; .NET
/// ignores that signal, and its console would write on into nothing.
/// </summary>
internal sealed class StandardOutput : FileStream
{
    private const int EPIPE = 32;

    private StandardOutput(SafeFileHandle handle)
        : base(handle, FileAccess.Write, bufferSize: 0)
    {
    }

    /// <summary>Puts it under <see cref="Console.Out"/> where that is a pipe; files and terminals have the console's.</summary>
    public static void Use()
    {
        if (!Console.IsOutputRedirected)
            return;
        try
        {
            StandardOutput output = new(new SafeFileHandle(1, ownsHandle: false));
            if (!output.CanSeek)
                Console.SetOut(new StreamWriter(output) { AutoFlush = true });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // It is closed, or cannot be written: whoever writes is told.
        }
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            base.Write(buffer);
        }
        catch (IOException e) when (e.HResult == EPIPE)
        {
            Environment.Exit(ExitCode.ReaderGone);
        }
    }
}
