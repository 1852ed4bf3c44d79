using Netmap.Interop;

namespace Netmap;

/// <summary>
/// Opening, configuring or misusing a port failed. <see cref="Exception.Message"/> is one line that says what failed, on
/// which port, the error's name, and what to do.
/// </summary>
public sealed class NetmapException : IOException
{
    internal NetmapException(Errno errno, string operation, string? port, string reason)
        : base(Compose(errno, operation, port, reason))
    {
        Errno = errno;
        Operation = operation;
        Port = port;
        Reason = reason;
    }

    /// <summary>The error number as in <c>errno.h</c>, for example 6 for ENXIO.</summary>
    public int ErrorNumber => (int)Errno;

    /// <summary>The error's name as in <c>errno.h</c>, for example <c>ENXIO</c>.</summary>
    public string ErrorName => Errno.ToString();

    /// <summary>The step that failed, for example <c>open</c> or <c>txsync</c>.</summary>
    public string Operation { get; }

    /// <summary>The port's or interface's name, or null where none is involved.</summary>
    public string? Port { get; }

    internal Errno Errno { get; }

    internal string Reason { get; }

    private static string Compose(Errno errno, string operation, string? port, string reason) =>
        port is null ? $"{operation}: {reason} ({errno})" : $"{operation} {port}: {reason} ({errno})";
}
