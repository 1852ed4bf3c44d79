using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Netmap.Bpf.Filters;
using Netmap.Interop;

namespace Netmap.Client;

/// <summary>NMS_FILTER (docs/protocol.md): a filter on its way to a server.</summary>
internal readonly ref struct FilterMessage
{
    private readonly ReadOnlySpan<sock_filter> _instructions;
    private readonly ReadOnlySpan<byte> _words;

    private FilterMessage(ReadOnlySpan<sock_filter> instructions, ReadOnlySpan<byte> words)
    {
        _instructions = instructions;
        _words = words;
    }

    /// <summary>Appends a filter, or what stands for none; words are cut to the room there is.</summary>
    public static void Write(Message message, FrameFilter? filter)
    {
        message.Append(new nms_filter { count = (uint)(filter?.Instructions.Length ?? 0) });
        if (filter is not null)
            message.Append(MemoryMarshal.AsBytes(filter.Instructions)).Append(filter.Words);
    }

    /// <summary>Takes a message apart, whose bytes stay where they are; false when its lengths make no sense.</summary>
    public static bool TryRead(Message message, out FilterMessage filter)
    {
        filter = default;
        if (!message.TryRead(out nms_filter head) || head.count > NmsH.NMS_FILTER_MAX || head.spare != 0)
            return false;
        int bytes = (int)head.count * Unsafe.SizeOf<sock_filter>();
        ReadOnlySpan<byte> rest = message.Body[Unsafe.SizeOf<nms_filter>()..];
        if (rest.Length < bytes || (bytes == 0 && rest.Length > 0))
            return false;
        filter = new(MemoryMarshal.Cast<byte, sock_filter>(rest[..bytes]), rest[bytes..]);
        return true;
    }

    /// <summary>The filter, a copy of its own; null for none.</summary>
    /// <exception cref="NetmapException">EINVAL: no filter, and why.</exception>
    public FrameFilter? ToFilter(string? port) => _instructions.IsEmpty ? null : new(_instructions, Encoding.UTF8.GetString(_words), port);
}
