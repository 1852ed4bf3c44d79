using System.Runtime.CompilerServices;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Control;

/// <summary>
/// The memory of whoever issued a request: this process's, by address, or an image that another process sent. Bad addresses
/// give EFAULT instead of a fault.
/// </summary>
internal readonly unsafe struct CallerMemory
{
    /// <summary>Address of an image's first byte; all other addresses in an image are offsets.</summary>
    public const ulong ImageStart = 1ul << 63;

    private readonly byte[]? _image;
    private readonly int _start;
    private readonly int _length;
    private readonly ProcessMemory _program;
    private readonly IReadOnlyList<SafeDescriptor>? _descriptors;

    private CallerMemory(ProcessMemory program) => _program = program;

    /// <summary>The file behind memory that the request lends (EXTMEM), where it is known; this process's own can be looked up.</summary>
    public LentDescriptor? Lent { get; init; }

    /// <summary>Nobody waits for the answer any more: a request that blocks ends.</summary>
    public CancellationToken Ended { get; init; }

    /// <summary>
    /// For a caller that does not wait for another one's thread: gets the loop whose end is the answer of SYNC_KLOOP_STOP.
    /// </summary>
    public Action<SyncKloop>? Later { get; init; }

    /// <summary>What a request points to, copied together; its pointers are offsets into it (docs/protocol.md).</summary>
    /// <param name="image">Holds the image, which the request's answers are written into.</param>
    /// <param name="start">Where it begins.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="program">Memory of the process it came from.</param>
    /// <param name="descriptors">Those that came with it; numbers in the image are places in this list.</param>
    public CallerMemory(byte[] image, int start, int length, ProcessMemory program, IReadOnlyList<SafeDescriptor> descriptors) =>
        (_image, _start, _length, _program, _descriptors) = (image, start, length, program, descriptors);

    /// <summary>The memory of this process.</summary>
    public static CallerMemory Own { get; } = new(ProcessMemory.Own);

    /// <summary>Memory of the process that the request is from, for addresses that do not lie in the request itself.</summary>
    public ProcessMemory Program => _program;

    /// <summary>Addresses that do not lie in the request itself belong to another process.</summary>
    public bool IsRemote => _image is not null;

    /// <summary>Descriptors that came with a request from elsewhere; whoever uses them closes them.</summary>
    public IReadOnlyList<SafeDescriptor> Descriptors => _descriptors ?? [];

    /// <summary>The descriptor of this process that a request means; -1 for none.</summary>
    public int Descriptor(int given) => _image is null ? given
        : given >= 0 && given < Descriptors.Count ? Descriptors[given].Fd
        : -1;

    public Errno Read<T>(ulong address, out T value)
        where T : unmanaged
    {
        Unsafe.SkipInit(out value);
        fixed (T* local = &value)
            return Read(address, new Span<byte>(local, sizeof(T)));
    }

    public Errno Read(ulong address, Span<byte> destination)
    {
        if (_image is null)
            return _program.Read(address, destination);
        // A list that was too long to send.
        if (address == NmsH.NMS_LIST_GOES_ON)
            return Errno.EMSGSIZE;
        if (!TryLocate(address, destination.Length, out Span<byte> place))
            return Errno.EFAULT;
        place.CopyTo(destination);
        return Errno.Success;
    }

    public Errno Write<T>(ulong address, in T value)
        where T : unmanaged
    {
        fixed (T* local = &value)
            return Write(address, new ReadOnlySpan<byte>(local, sizeof(T)));
    }

    public Errno Write(ulong address, ReadOnlySpan<byte> source)
    {
        if (_image is null)
            return _program.Write(address, source);
        if (!TryLocate(address, source.Length, out Span<byte> place))
            return Errno.EFAULT;
        source.CopyTo(place);
        return Errno.Success;
    }

    private bool TryLocate(ulong address, int length, out Span<byte> place)
    {
        place = default;
        ulong offset = address == ImageStart ? 0 : address;
        if (offset > (ulong)_length || (ulong)length > (ulong)_length - offset)
            return false;
        place = _image.AsSpan(_start + (int)offset, length);
        return true;
    }
}
