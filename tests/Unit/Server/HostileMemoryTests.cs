using System.Text;
using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Server;

/// <summary>Clients that lend a server memory and mean no good: it takes none that could fail under its feet.</summary>
public sealed unsafe class HostileMemoryTests
{
    private const long Size = 12 << 20;

    [Theory]
    [InlineData(SysMman.MFD_ALLOW_SEALING, 0)]
    [InlineData(SysMman.MFD_ALLOW_SEALING, Fcntl.F_SEAL_GROW)]
    [InlineData(0u, 0)]
    // Huge pages run out, and then touching one is SIGBUS.
    [InlineData(SysMman.MFD_ALLOW_SEALING | SysMman.MFD_HUGETLB, Fcntl.F_SEAL_SHRINK)]
    public void MemoryThatCouldVanishIsRefused(uint flags, int seals)
    {
        using TestServer server = new();
        using Bystanders honest = new(server);
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        using SafeDescriptor file = new(SysMman.memfd_create("hostile", SysMman.MFD_CLOEXEC | flags).Int32);
        Assert.False(Unistd.ftruncate(file.Fd, Size).IsError);
        if (seals != 0)
            Assert.False(Fcntl.fcntl(file.Fd, Fcntl.F_ADD_SEALS, seals).IsError);
        Assert.Equal((Errno.EOPNOTSUPP, (uint)Errno.EOPNOTSUPP), Lend(client, file.Fd));
        Unistd.ftruncate(file.Fd, 0);
        honest.Await(1000);
    }

    [Fact]
    public void ASealedOneCannotBeCutOffNorItsHolesHurt()
    {
        using TestServer server = new();
        using Bystanders honest = new(server);
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        using SafeDescriptor file = new(SysMman.memfd_create("hostile", SysMman.MFD_CLOEXEC | SysMman.MFD_ALLOW_SEALING).Int32);
        Assert.False(Unistd.ftruncate(file.Fd, Size).IsError);
        Assert.False(Fcntl.fcntl(file.Fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK).IsError);
        Assert.Equal((Errno.Success, 0u), Lend(client, file.Fd));
        Assert.Equal(Errno.EPERM, Unistd.ftruncate(file.Fd, 0).Errno);
        Assert.Equal(Errno.EPERM, Unistd.ftruncate(file.Fd, Size - 4096).Errno);
        // All its pages go, again and again, while the server syncs rings in it.
        SysResult mapped = SysMman.mmap(null, (nuint)Size, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_SHARED, file.Fd, 0);
        for (uint i = 1; i <= 200; i++)
        {
            Assert.False(SysMman.madvise((void*)mapped.Value, (nuint)Size, SysMman.MADV_REMOVE).IsError);
            Sync(client, i, i % 2 == 0 ? NmsH.NMS_OP_TXSYNC : NmsH.NMS_OP_RXSYNC);
        }
        SysMman.munmap((void*)mapped.Value, (nuint)Size);
        honest.Await(1000);
    }

    /// <summary>
    /// A file may be cut off until it is sealed, so its size means nothing before. This one is shorter than what is lent: that is not what
    /// it is refused for.
    /// </summary>
    [Fact]
    public void TheSealIsAskedForBeforeTheSize()
    {
        using TestServer server = new();
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        using SafeDescriptor file = new(SysMman.memfd_create("hostile", SysMman.MFD_CLOEXEC | SysMman.MFD_ALLOW_SEALING).Int32);
        Assert.False(Unistd.ftruncate(file.Fd, 4096).IsError);
        Assert.Equal(Errno.EOPNOTSUPP, Lend(client, file.Fd).Result);
        Assert.False(Fcntl.fcntl(file.Fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK).IsError);
        Assert.Equal(Errno.EFAULT, Lend(client, file.Fd).Result);
    }

    /// <summary>Memory that is lent already is joined by its file alone: a program that may only read that gets no way to write it.</summary>
    [Fact]
    public void AReadOnlyDescriptorJoinsNoMemory()
    {
        using TestServer server = new();
        using RawClient lender = new(server.Host);
        using RawClient reader = new(server.Host);
        Assert.Equal(Errno.Success, lender.Attach());
        Assert.Equal(Errno.Success, reader.Attach());
        using SafeDescriptor file = new(SysMman.memfd_create("lent", SysMman.MFD_CLOEXEC | SysMman.MFD_ALLOW_SEALING).Int32);
        Assert.False(Unistd.ftruncate(file.Fd, Size).IsError);
        Assert.False(Fcntl.fcntl(file.Fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK).IsError);
        Assert.Equal(Errno.Success, Lend(lender, file.Fd).Result);
        using SafeDescriptor readOnly = new(Fcntl.open($"/proc/self/fd/{file.Fd}", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC).Int32);
        Assert.Equal(Errno.EACCES, Lend(reader, readOnly.Fd).Result);
    }

    /// <summary>Seals against writing: one that is there before is an error, one that comes later is refused by the kernel, or changes nothing.</summary>
    [Fact]
    public void SealsAgainstWritingEndInErrors()
    {
        const int SealWrite = 8, SealFutureWrite = 16;
        using TestServer server = new();
        using Bystanders honest = new(server);
        foreach (int seal in (int[])[SealWrite, SealFutureWrite])
        {
            using RawClient client = new(server.Host);
            Assert.Equal(Errno.Success, client.Attach());
            using SafeDescriptor file = new(SysMman.memfd_create("hostile", SysMman.MFD_CLOEXEC | SysMman.MFD_ALLOW_SEALING).Int32);
            Assert.False(Unistd.ftruncate(file.Fd, Size).IsError);
            Assert.False(Fcntl.fcntl(file.Fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK | seal).IsError);
            Assert.Equal(Errno.EPERM, Lend(client, file.Fd).Result);
            using SafeDescriptor later = new(SysMman.memfd_create("hostile", SysMman.MFD_CLOEXEC | SysMman.MFD_ALLOW_SEALING).Int32);
            Assert.False(Unistd.ftruncate(later.Fd, Size).IsError);
            Assert.False(Fcntl.fcntl(later.Fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK).IsError);
            Assert.Equal(Errno.Success, Lend(client, later.Fd).Result);
            Assert.Equal(seal == SealWrite ? Errno.EBUSY : Errno.Success, Fcntl.fcntl(later.Fd, Fcntl.F_ADD_SEALS, seal).Errno);
            Sync(client, 1, NmsH.NMS_OP_TXSYNC);
        }
        honest.Await(1000);
    }

    [Fact]
    public void NonsenseAboutItEndsInErrors()
    {
        using TestServer server = new();
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        using SafeDescriptor file = new(SysMman.memfd_create("hostile", SysMman.MFD_CLOEXEC | SysMman.MFD_ALLOW_SEALING).Int32);
        Assert.False(Unistd.ftruncate(file.Fd, Size).IsError);
        Assert.False(Fcntl.fcntl(file.Fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK).IsError);
        Assert.Equal(Errno.EFAULT, Lend(client, file.Fd, bytes: ulong.MaxValue).Result);
        Assert.Equal(Errno.EFAULT, Lend(client, file.Fd, bytes: Size + 1).Result);
        Assert.Equal(Errno.EFAULT, Lend(client, file.Fd, offset: 1ul << 62).Result);
        Assert.Equal(Errno.EINVAL, Lend(client, file.Fd, offset: ulong.MaxValue - 4095).Result);
        Assert.Equal(Errno.EINVAL, Lend(client, file.Fd, offset: 12).Result);
        Assert.Equal(Errno.ENOMEM, Lend(client, file.Fd, bytes: 0).Result);
        Assert.Equal(Errno.EOPNOTSUPP, Lend(client, client.Doorbell.Fd).Result);
        Assert.Equal(Errno.EOPNOTSUPP, Lend(client, client.Session.Descriptor).Result);
        Assert.Equal(Errno.EOPNOTSUPP, Lend(client, file.Fd, flags: 0).Result);
        Assert.Equal(Errno.EFAULT, Lend(client, file.Fd, flags: NmsH.NMS_IOCTL_UNMAPPED).Result);
        using (SafeDescriptor readOnly = new(Fcntl.open($"/proc/self/fd/{file.Fd}", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC).Int32))
            Assert.Equal(Errno.EACCES, Lend(client, readOnly.Fd).Result);
        // A flag without its descriptor is no request at all.
        client.Session.Send(Request(0, Size, NmsH.NMS_IOCTL_EXTMEM).Bytes);
        Assert.True(RawClient.IsClosed(client.Session));
        Assert.Equal(Errno.Success, client.Attach());
        Assert.Equal(Errno.Success, Lend(client, file.Fd).Result);
        client.Dispose();
        server.WaitForFiles(0);
    }

    private static void Sync(RawClient client, uint sequence, byte operation)
    {
        ulong one = 1;
        nint page = (nint)client.Page;
        client.Page->post = SharedPage.Post(sequence, operation, 0, 0);
        Unistd.write(client.Doorbell.Fd, &one, sizeof(ulong));
        Assert.True(SpinWait.SpinUntil(() => SharedPage.SequenceOf(Volatile.Read(ref ((nms_page*)page)->done)) == sequence, TimeSpan.FromSeconds(20)));
    }

    private static (Errno Result, uint Status) Lend(RawClient client, int file, ulong offset = 0, ulong bytes = Size, uint flags = NmsH.NMS_IOCTL_EXTMEM)
    {
        client.Session.Send(Request(offset, bytes, flags).Bytes, [file]);
        Message answer = new(NmsH.NMS_ANSWER_MAX);
        Assert.True(answer.Received(client.Session.Receive(answer.Room, []).Int32));
        Assert.True(answer.TryRead(out nms_ioctl _));
        nmreq_opt_extmem option = System.Runtime.InteropServices.MemoryMarshal.Read<nmreq_opt_extmem>(answer.Body[(sizeof(nms_ioctl) + sizeof(nmreq_header) + sizeof(nmreq_register))..]);
        return ((Errno)answer.Header.result, option.nro_opt.nro_status);
    }

    private static Message Request(ulong offset, ulong bytes, uint flags)
    {
        nmreq_header header = new()
        {
            nr_version = NetmapH.NETMAP_API,
            nr_reqtype = NetmapReq.NETMAP_REQ_REGISTER,
            nr_body = (ulong)sizeof(nmreq_header),
            nr_options = (ulong)(sizeof(nmreq_header) + sizeof(nmreq_register)),
        };
        Encoding.ASCII.GetBytes("hostile{1", new Span<byte>(header.nr_name, 64));
        nmreq_opt_extmem option = new() { nro_opt = new() { nro_reqtype = NetmapReq.NETMAP_REQ_OPT_EXTMEM }, nro_info = new() { nr_memsize = bytes } };
        uint length = (uint)(sizeof(nmreq_header) + sizeof(nmreq_register) + sizeof(nmreq_opt_extmem));
        return new Message(1024).Begin(NmsH.NMS_IOCTL)
            .Append(new nms_ioctl { request = NetmapH.NIOCCTRL, image_length = length, flags = flags, extmem_offset = offset })
            .Append(header).Append(new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC }).Append(option);
    }
}
