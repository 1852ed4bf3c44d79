using Netmap.Adapters;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Control;

/// <summary>OFFSETS of a REGISTER (spec 10): frames begin anywhere in their buffers, slots say where.</summary>
internal sealed class OffsetsOption(nmreq_opt_offsets body)
{
    private readonly List<(KRing Ring, SlotOffsets Before)> _before = [];

    /// <summary>With nro_max_offset as it holds now.</summary>
    public nmreq_opt_offsets Body => body;

    /// <summary>The option's own verdict; EOPNOTSUPP while nobody has looked at it.</summary>
    public Errno Status { get; private set; } = Errno.EOPNOTSUPP;

    /// <summary>Turns offsets on for the rings a file has just bound.</summary>
    /// <param name="adapter">The port.</param>
    /// <param name="rings">Rings that exist.</param>
    /// <exception cref="NetmapException">EOPNOTSUPP, EINVAL, EBUSY.</exception>
    public void Apply(NetmapAdapter adapter, KRing[] rings)
    {
        Check(adapter, rings, out ulong mask);
        foreach (KRing ring in rings)
        {
            SlotOffsets before = ring.Offsets;
            SlotOffsets offsets = before.Mask != 0 ? before : new(mask, body.nro_max_offset);
            ring.UseOffsets(offsets, ring.Users == 1 ? body.nro_initial_offset : null);
            _before.Add((ring, before));
            body.nro_max_offset = offsets.Max;
        }
        Status = Errno.Success;
    }

    /// <summary>A later step of the request failed: the rings, which still exist, are as they were.</summary>
    public void Undo()
    {
        foreach ((KRing ring, SlotOffsets before) in _before)
            ring.UseOffsets(before, null);
        _before.Clear();
    }

    private void Check(NetmapAdapter adapter, KRing[] rings, out ulong mask)
    {
        if (!adapter.SupportsOffsets)
            throw Refused(Errno.EOPNOTSUPP, adapter, "this kind of port has no offsets");
        if (adapter.Monitors.Any(monitor => monitor.IsZeroCopy))
            throw Refused(Errno.EBUSY, adapter, "a zero-copy monitor looks at it, which finds frames only at the start of their buffers");
        mask = body.nro_offset_bits is 0 or >= 64 ? ulong.MaxValue : (1ul << (int)body.nro_offset_bits) - 1;
        if (body.nro_offset_bits > 64)
            throw Refused(Errno.EINVAL, adapter, $"{body.nro_offset_bits} bits of offset; 64 at most");
        if (body.nro_max_offset > (ulong)adapter.Memory.BufferSize || body.nro_max_offset > mask)
            throw Refused(Errno.EINVAL, adapter, $"largest offset {body.nro_max_offset}; it must fit {body.nro_offset_bits} bits and a buffer of {adapter.Memory.BufferSize}");
        if (body.nro_initial_offset > body.nro_max_offset)
            throw Refused(Errno.EINVAL, adapter, $"first offset {body.nro_initial_offset} is beyond the largest, {body.nro_max_offset}");
        foreach (KRing ring in rings)
        {
            SlotOffsets now = ring.Offsets;
            if (now.Mask != 0 && ((mask & ~now.Mask) != 0 || body.nro_max_offset > now.Max))
                throw Refused(Errno.EBUSY, adapter, $"ring {ring.Id} has offsets up to {now.Max} already");
        }
    }

    private NetmapException Refused(Errno errno, NetmapAdapter adapter, string reason)
    {
        Status = errno;
        return new NetmapException(errno, "open (offsets)", adapter.Name, reason);
    }
}
