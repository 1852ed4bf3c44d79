using System.Runtime.InteropServices;
using System.Text;
using Netmap.Interop;

namespace Netmap.Client;

/// <summary>A message of the server's protocol, being written or read: header, then whatever its type carries.</summary>
internal sealed class Message(int capacity)
{
    private readonly byte[] _bytes = new byte[capacity];

    /// <summary>Bytes in use, the header included.</summary>
    public int Length { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    /// <summary>All of it, for whoever works on an image in place.</summary>
    public byte[] Array => _bytes;

    /// <summary>Room for a receive.</summary>
    public Span<byte> Room => _bytes;

    public ref nms_header Header => ref MemoryMarshal.AsRef<nms_header>(_bytes.AsSpan());

    /// <summary>What follows the header.</summary>
    public Span<byte> Body => _bytes.AsSpan(HeaderSize, Length - HeaderSize);

    public static unsafe int HeaderSize => sizeof(nms_header);

    /// <summary>Starts a message.</summary>
    public Message Begin(ushort type, Errno result = Errno.Success)
    {
        Length = HeaderSize;
        Header = new() { magic = NmsH.NMS_MAGIC, version = NmsH.NMS_VERSION, type = type, result = (uint)result };
        return this;
    }

    public Message Append<T>(in T value)
        where T : unmanaged => Append(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    public Message Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
        Header.length = (uint)(Length - HeaderSize);
        return this;
    }

    /// <summary>Appends text, cut to what fits.</summary>
    public Message Append(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return Append(bytes.AsSpan(0, Math.Min(bytes.Length, _bytes.Length - Length)));
    }

    /// <summary>Takes over a received message; false when it is not one.</summary>
    public bool Received(int length)
    {
        Length = length;
        return length >= HeaderSize && Header.magic == NmsH.NMS_MAGIC && Header.version == NmsH.NMS_VERSION
            && Header.length == length - HeaderSize;
    }

    /// <summary>The struct at the beginning of the body; false when the body is too short for it.</summary>
    public unsafe bool TryRead<T>(out T value)
        where T : unmanaged
    {
        value = default;
        return Body.Length >= sizeof(T) && MemoryMarshal.TryRead(Body, out value);
    }
}
