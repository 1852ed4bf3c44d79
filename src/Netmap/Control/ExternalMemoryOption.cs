using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Control;

/// <summary>EXTMEM of a REGISTER (spec 1.4): rings and buffers lie in memory that the program brings, a shared mapping of a file.</summary>
internal sealed class ExternalMemoryOption(nmreq_opt_extmem body, CallerMemory caller)
{
    private nmreq_opt_extmem _body = body;

    /// <summary>With the defaults filled in.</summary>
    public nmreq_opt_extmem Body => _body;

    /// <summary>The option's own verdict; EOPNOTSUPP while nobody has looked at it.</summary>
    public Errno Status { get; private set; } = Errno.EOPNOTSUPP;

    /// <summary>The allocator on the memory, shared by all who lend the same. The caller releases it when its port has it, or has not.</summary>
    /// <exception cref="NetmapException">EOPNOTSUPP, EFAULT, EINVAL, ENOMEM.</exception>
    public NetmapMemory Take(Caller caller, string port)
    {
        try
        {
            MemoryGeometry.FillIn(ref _body.nro_info);
            NetmapMemory memory = Find(caller, port);
            Status = Errno.Success;
            return memory;
        }
        catch (NetmapException refusal)
        {
            Status = refusal.Errno;
            throw;
        }
    }

    private NetmapMemory Find(Caller owner, string port)
    {
        if (caller.Lent is { } lent)
            return Find(owner, lent, port);
        if (caller.IsRemote)
            return Find(owner, new LentDescriptor(-1, 0, Errno.EOPNOTSUPP), port);
        using SafeDescriptor? file = OwnMappings.Find(_body.nro_usrptr, _body.nro_info.nr_memsize, out long offset, out Errno problem);
        return Find(owner, new LentDescriptor(file?.Fd ?? -1, offset, problem), port);
    }

    private NetmapMemory Find(Caller owner, LentDescriptor lent, string port)
    {
        if (lent.Problem != Errno.Success)
            throw new NetmapException(lent.Problem, "lend memory", port, lent.Problem == Errno.EFAULT
                ? "not all of it is mapped, for reading and writing"
                : "no file is behind it that others could map: use a shared mapping of a memfd, or of a file in /dev/shm or hugetlbfs");
        if (_body.nro_usrptr % 4096 != 0)
            throw new NetmapException(Errno.EINVAL, "lend memory", port, $"address {_body.nro_usrptr:x} is not a page's start");
        // In this order: no seal comes off again, so the size asked for after it only grows; and a file system other than the kernel's own is
        // not asked anything, as its answer may never come.
        LentFile.CheckAccess(lent.Fd, port);
        if (lent.MustStay && !LentFile.IsSealed(lent.Fd))
            throw new NetmapException(Errno.EOPNOTSUPP, "lend memory", port,
                "a server for many takes memory that nobody can cut off only: memfd_create with MFD_ALLOW_SEALING, ftruncate, F_ADD_SEALS F_SEAL_SHRINK");
        LentFile file = LentFile.Identify(lent.Fd, lent.Offset, _body.nro_info.nr_memsize, port);
        NetmapMemory memory = owner.Engine.Memories.Lend(owner.Owner, file, lent.Fd, _body.nro_info, port);
        if (lent.MustStay)
            memory.LentBy(caller.Program.Process);
        return memory;
    }
}
