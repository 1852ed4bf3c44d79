using System.Runtime.CompilerServices;

namespace Netmap.Devices;

/// <summary>
/// A frame on its way through a device: the mbuf of the reference. It is counted by references, so that whoever frees it
/// last gives it back to its owner. A device that completes a frame frees its reference; the generic adapter holds
/// another, and reads "sole reference" as "transmission completed" (spec 5.3).
/// </summary>
/// <param name="owner">Takes the mbuf back when the last reference goes.</param>
/// <param name="data">Native memory of <paramref name="capacity"/> bytes, owned by <paramref name="owner"/>.</param>
/// <param name="capacity">Bytes at <paramref name="data"/>.</param>
internal sealed unsafe class Mbuf(IMbufOwner owner, byte* data, int capacity)
{
    private readonly byte* _start = data;
    private int _references = 1;
    private Action<Mbuf>? _destructor;

    /// <summary>First byte of the frame (its Ethernet destination address).</summary>
    public byte* Data { get; set; }

    /// <summary>Bytes that may be written at <see cref="Data"/>.</summary>
    public int Capacity { get; set; } = capacity;

    /// <summary>Bytes of the frame, without FCS.</summary>
    public int Length { get; set; }

    /// <summary>The ring the frame belongs to: TX ring number, or RX ring it was received for.</summary>
    public int Queue { get; set; }

    /// <summary>For the owner: which of its blocks or slots this mbuf stands for.</summary>
    public int Tag { get; set; }

    /// <summary>Transmit, with virtio-net headers: the frame goes on in the next mbuf handed over.</summary>
    public bool HasMore { get; set; }

    /// <summary>Link for the intrusive queues of the adapters; the mbuf is in at most one.</summary>
    public Mbuf? Next { get; set; }

    /// <summary>True when nobody else holds the frame. Pairs with the decrement in <see cref="Free"/>.</summary>
    public bool IsSole => Volatile.Read(ref _references) == 1;

    /// <summary>Makes a fresh mbuf of a recycled one: one reference, no destructor, data at the start. Only the owner may call it.</summary>
    public void Revive()
    {
        Next = null;
        Data = _start;
        _destructor = null;
        Volatile.Write(ref _references, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddReference() => Interlocked.Increment(ref _references);

    /// <summary>
    /// Takes one more reference on a frame nobody else can see yet; cheaper than <see cref="AddReference"/>. The
    /// hand-over to the device is the release that makes it visible.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddReferenceUnshared() => _references++;

    /// <summary>
    /// What to call, once, when the last reference goes: the completion event of the generic adapter. Null detaches it.
    /// The caller must hold a reference.
    /// </summary>
    public void SetDestructor(Action<Mbuf>? destructor) => Volatile.Write(ref _destructor, destructor);

    /// <summary>Drops one reference. The full fence of the decrement pairs with the read in <see cref="IsSole"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free()
    {
        if (Interlocked.Decrement(ref _references) == 0)
            Release();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Release()
    {
        Interlocked.Exchange(ref _destructor, null)?.Invoke(this);
        owner.Recycle(this);
    }
}

/// <summary>The pool or ring an <see cref="Mbuf"/> goes back to. May be called on any thread.</summary>
internal interface IMbufOwner
{
    void Recycle(Mbuf mbuf);
}
