using System.Runtime.InteropServices;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Control;

/// <summary>
/// CSB mode (spec 10): a file's ring indices live in two arrays of the program's own memory, one entry for each ring, transmit rings
/// first. The memory may be another process's: the kernel copies, so bad addresses are EFAULT and a copy is a barrier.
/// </summary>
internal sealed class CsbMode(ProcessMemory program, ulong atok, ulong ktoa)
{
    private const int EntrySize = 64;
    private const int NeedKickOffset = 8;

    /// <summary>The memory that the arrays are in: of the process whose request it was, whichever thread runs the loop.</summary>
    public ProcessMemory Program => program;

    /// <summary>Checks what can be checked without the program's memory.</summary>
    /// <exception cref="NetmapException">EINVAL not exclusive, or not aligned; EOPNOTSUPP, ESRCH it is not certain whose memory that is.</exception>
    public static CsbMode Prepare(Registration bound, ProcessMemory program, in nmreq_opt_csb option)
    {
        string port = bound.Adapter.Name;
        if (!bound.IsExclusive)
            throw new NetmapException(Errno.EINVAL, "csb", port, "rings whose indices lie in the program's memory must be bound exclusively");
        if ((option.csb_atok | option.csb_ktoa) % EntrySize != 0)
            throw new NetmapException(Errno.EINVAL, "csb", port, "both arrays begin at a multiple of 64");
        if (program.Process is null)
            throw new NetmapException(program.Problem, "csb", port, program.Problem == Errno.EOPNOTSUPP
                ? "this kernel does not say for certain which process a session is of (SO_PEERPIDFD); run Linux 6.5 or later"
                : "the process that made the session cannot be told; make the session in the process that has the arrays");
        return new(program, option.csb_atok, option.csb_ktoa);
    }

    /// <summary>Fills in the present indices of a binding's rings; false when the memory is not there.</summary>
    public bool TryInitialise(Registration bound)
    {
        int i = 0;
        foreach (KRing ring in bound.TxRings.Concat(bound.RxRings))
        {
            if (!Initialise(i++, ring))
                return false;
        }
        return true;
    }

    /// <summary>What the program says of ring <paramref name="i"/>; false when the memory is gone.</summary>
    public bool TryRead(int i, out nm_csb_atok entry)
    {
        entry = default;
        return program.Read(atok + (ulong)(i * EntrySize), MemoryMarshal.AsBytes(new Span<nm_csb_atok>(ref entry))) == Errno.Success;
    }

    /// <summary>The engine's indices of ring <paramref name="i"/>.</summary>
    public bool TryPublish(int i, uint hwcur, uint hwtail)
    {
        ReadOnlySpan<uint> both = [hwcur, hwtail];
        return program.Write(ktoa + (ulong)(i * EntrySize), MemoryMarshal.AsBytes(both)) == Errno.Success;
    }

    /// <summary>Whether the program shall ring its doorbell.</summary>
    public bool TryNeedKick(int i, bool needed)
    {
        uint value = needed ? 1u : 0u;
        return program.Write(ktoa + (ulong)(i * EntrySize) + NeedKickOffset, MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in value))) == Errno.Success;
    }

    private bool Initialise(int i, KRing ring)
    {
        nm_csb_atok theirs = new() { head = ring.RHead, cur = ring.RCur, appl_need_kick = 1, sync_flags = 1 };
        nm_csb_ktoa ours = new() { hwcur = ring.HwCur, hwtail = ring.HwTail, kern_need_kick = 1 };
        return program.Write(atok + (ulong)(i * EntrySize), MemoryMarshal.AsBytes(new ReadOnlySpan<nm_csb_atok>(in theirs))) == Errno.Success
            && program.Write(ktoa + (ulong)(i * EntrySize), MemoryMarshal.AsBytes(new ReadOnlySpan<nm_csb_ktoa>(in ours))) == Errno.Success;
    }
}

/// <summary>
/// CSB mode that a request has prepared. The arrays may be in a mapping of a file system that never answers, so they are written with no
/// lock held, on a thread that belongs to the program.
/// </summary>
/// <param name="Mode">Checked, not begun.</param>
/// <param name="Bound">The binding it is for.</param>
/// <param name="Binds">The request has bound the port, too.</param>
/// <param name="Status">Where the option's status is, in the request.</param>
internal sealed record PendingCsb(CsbMode Mode, Registration Bound, bool Binds, ulong Status)
{
    /// <summary>Writes the present indices; as long as the program's memory takes.</summary>
    public Errno Write() => Mode.TryInitialise(Bound) ? Errno.Success : Errno.EFAULT;
}
