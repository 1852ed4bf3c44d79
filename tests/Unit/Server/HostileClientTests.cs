using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Server;

/// <summary>What a client may do to a server, and what its other clients notice of it: nothing.</summary>
public sealed unsafe class HostileClientTests
{
    /// <summary>libc's own writes come here when a program has closed its standard error and opened a port in its place.</summary>
    [Fact]
    public void NonsenseOnTheConnectionIsLeftOutAndTheFileGoesOn()
    {
        using TestServer server = new();
        using Bystanders honest = new(server);
        using RawClient client = new(server.Host);
        int pipe = Fcntl.open("/dev/null", Fcntl.O_RDWR).Int32;
        (byte[] Bytes, int[] Descriptors)[] nonsense =
        [
            ([1], []), ([], [pipe]), (new byte[16], []), (new byte[300], [pipe]), (new byte[60_000], []), ("error: no such file\n"u8.ToArray(), []),
            (new Message(64).Begin(NmsH.NMS_ATTACH).Bytes.ToArray(), []),
            (new Message(64).Begin(NmsH.NMS_ATTACH).Bytes.ToArray(), [pipe]),
            (new Message(64).Begin(NmsH.NMS_ATTACH).Bytes.ToArray(), [pipe, pipe]),
            (new Message(64).Begin(NmsH.NMS_IOCTL).Bytes.ToArray(), []),
        ];
        foreach ((byte[] bytes, int[] descriptors) in nonsense)
            Assert.False(client.Connection.Send(bytes, descriptors).IsError);
        Unistd.close(pipe);
        Assert.Equal(Errno.Success, client.Attach());
        honest.Await(1000);
        Assert.Equal(nonsense.Length, server.Server.GetStatus().Malformed);
        Assert.Equal(3, server.Server.GetStatus().Files.Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void NonsenseOnASessionEndsThatSessionOnly(int kind)
    {
        using TestServer server = new();
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        Message message = new(NmsH.NMS_REQUEST_MAX + 100);
        byte[] bytes = kind switch
        {
            0 => [9, 9, 9],
            1 => message.Begin(77).Bytes.ToArray(),
            2 => [.. message.Begin(NmsH.NMS_IOCTL).Append(new nms_ioctl { image_length = 4096 }).Bytes],
            3 => [.. message.Begin(NmsH.NMS_IOCTL).Append(new byte[3]).Bytes],
            4 => [.. message.Begin(NmsH.NMS_INFO).Append(new byte[NmsH.NMS_REQUEST_MAX]).Bytes],
            _ => [.. message.Begin(NmsH.NMS_MAP).Bytes],
        };
        client.Session.Send(bytes);
        Assert.True(RawClient.IsClosed(client.Session));
        Assert.Equal(Errno.Success, client.Attach());
        Assert.Equal(1, server.Server.GetStatus().Malformed);
    }

    [Fact]
    public void DescriptorsThatDoNotBelongThereAreClosed()
    {
        using TestServer server = new();
        using RawClient client = new(server.Host);
        int before = Descriptors();
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(Errno.Success, client.Attach());
            int[] many = [.. Enumerable.Repeat(client.Connection.Descriptor, NmsH.NMS_DESCRIPTORS_MAX)];
            client.Session.Send(new Message(64).Begin(NmsH.NMS_STATUS).Bytes, many);
            Assert.True(RawClient.IsClosed(client.Session));
        }
        client.Dispose();
        server.WaitForFiles(0);
        // Other tests of this process have some, too.
        Assert.True(SpinWait.SpinUntil(() => Descriptors() < before + 200, TimeSpan.FromSeconds(20)),
            $"{before} descriptors before, {Descriptors()} after");
    }

    [Fact]
    public void AThousandOpensMeetTheLimitAndOthersDoNotNotice()
    {
        using TestServer server = new(options => options with { FilesPerUser = 40 });
        using Bystanders honest = new(server);
        List<RawClient> greedy = [.. Enumerable.Range(0, 1000).Select(_ => new RawClient(server.Host))];
        Assert.Equal(38, greedy.Count(client => client.Attach() == Errno.Success));
        NetmapException refused = Assert.Throws<NetmapException>(() => server.Open("vale0:a"));
        Assert.Equal("EMFILE", refused.ErrorName);
        Assert.Contains("--files-per-user", refused.Message);
        honest.Await(1000);
        greedy.ForEach(client => client.Dispose());
        server.WaitForFiles(2);
        using NetmapPort again = server.Open("vale0:a");
    }

    [Fact]
    public void SessionsOfAFileAreLimited()
    {
        using TestServer server = new(options => options with { SessionsPerFile = 5 });
        using RawClient client = new(server.Host);
        for (int i = 0; i < 5; i++)
            Assert.Equal(Errno.Success, client.Attach());
        Assert.Equal(Errno.EMFILE, client.Attach());
    }

    [Fact]
    public void MemoryOfAUserIsLimited()
    {
        using TestServer server = new(options => options with { MemoryPerUser = 64 << 20 });
        NetmapException refused = Assert.Throws<NetmapException>(() => server.Open("vale1:greedy", new() { ExtraBuffers = 400_000 }));
        Assert.Equal("ENOMEM", refused.ErrorName);
        Assert.Contains("--memory-per-user", refused.Message);
        server.WaitForFiles(0);
        using NetmapPort modest = server.Open("netmap:modest{1");
    }

    [Fact]
    public void RandomWordsInThePageHarmNobody()
    {
        using TestServer server = new();
        using Bystanders honest = new(server);
        using NetmapPort port = server.Open("vale1:h");
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        Random random = new(5);
        Span<byte> page = new(client.Page, sizeof(nms_page));
        for (int i = 0; i < 20_000; i++)
        {
            random.NextBytes(page);
            if (i % 100 == 0)
            {
                ulong one = 1;
                Unistd.write(client.Doorbell.Fd, &one, 8);
            }
        }
        honest.Await(10_000);
    }

    [Fact]
    public void RandomRingsHarmNobodyAndEveryBufferComesBack()
    {
        using TestServer server = new();
        int free = 0;
        using (NetmapPort first = server.Open("netmap:count{1"))
            free = server.Engine.Core.Memories.Find(first.Info.MemoryId)!.Available.Buffers;
        using (Bystanders honest = new(server))
        {
            Random random = new(6);
            for (int round = 0; round < 20; round++)
            {
                using NetmapPort port = server.Open(round % 2 == 0 ? "vale1:h" : "netmap:h{1", new() { ExtraBuffers = 10 });
                Scribble(port, random);
            }
            honest.Await(1000);
        }
        server.WaitForFiles(0);
        using NetmapPort last = server.Open("netmap:count{1");
        Assert.Equal(free, server.Engine.Core.Memories.Find(last.Info.MemoryId)!.Available.Buffers);
    }

    [Fact]
    public void AStoppedClientInTheMiddleOfASyncStopsNobody()
    {
        using TestServer server = new();
        using Bystanders honest = new(server);
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        // It says that it sleeps for answers, asks for many, and never reads one.
        client.Page->waiting = 1;
        for (uint i = 1; i < 5000; i++)
        {
            client.Page->post = SharedPage.Post(i, NmsH.NMS_OP_POLL, NmsH.NMS_FLAG_ARM, (ushort)Poll.POLLIN);
            ulong one = 1;
            Unistd.write(client.Doorbell.Fd, &one, 8);
        }
        honest.Await(1000);
    }

    [Fact]
    public void ADrainedOrBlockingDoorbellStopsOnlyItsOwner()
    {
        using TestServer server = new();
        using Bystanders honest = new(server);
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        Fcntl.fcntl(client.Doorbell.Fd, 4, 0);
        ulong most = ulong.MaxValue - 1;
        Unistd.write(client.Doorbell.Fd, &most, 8);
        ulong count;
        Unistd.read(client.Doorbell.Fd, &count, 8);
        honest.Await(1000);
    }

    [Fact]
    public void AFileThatIsBoundToNothingMapsNothing()
    {
        using TestServer server = new();
        using MessageSocket connection = MessageSocket.Connect(server.Host);
        using ClientSession session = new(connection, server.Host);
        Assert.Equal(Errno.EINVAL, Map(session));
    }

    /// <summary>Whoever has a port's memory could else have the server fault in it.</summary>
    [Fact]
    public void TheServersMemoryCannotBeCutOff()
    {
        using TestServer server = new();
        using MessageSocket connection = MessageSocket.Connect(server.Host);
        using ClientSession session = new(connection, server.Host);
        nmreq_register body = new() { nr_mode = NetmapReq.NR_REG_ALL_NIC };
        nmreq_header header = RawPort.Header(NetmapReq.NETMAP_REQ_REGISTER, "vale1:a");
        header.nr_body = (ulong)&body;
        RequestImage.Write(session.Begin(NmsH.NMS_IOCTL), &header);
        Assert.Equal(0u, session.Request().Header.result);
        Assert.Equal(Errno.Success, Map(session));
        using SafeDescriptor memory = session.TakeDescriptor();
        Assert.Equal(Errno.EPERM, Unistd.ftruncate(memory.Fd, 0).Errno);
        using NetmapPort other = server.Open("vale1:b");
    }

    private static Errno Map(ClientSession session)
    {
        session.Begin(NmsH.NMS_MAP).Append(new nms_map { length = 4096 });
        return (Errno)session.Request().Header.result;
    }

    private static void Scribble(NetmapPort port, Random random)
    {
        TxRing ring = port.TxRings[0];
        for (int i = 0; i < 200; i++)
        {
            ref NetmapSlot slot = ref ring[random.Next(ring.SlotCount)];
            (slot.BufferIndex, slot.Length, slot.Flags) = ((uint)random.Next(), (ushort)random.Next(), (SlotFlags)random.Next(0x80));
            ring.Head = random.Next(ring.SlotCount + 5);
            ring.Cur = random.Next(ring.SlotCount + 5);
            port.TxSync();
            port.RxRings[0].Head = random.Next(ring.SlotCount + 5);
            port.Poll(PollEvents.Receive | PollEvents.Transmit, TimeSpan.Zero);
        }
    }

    private static int Descriptors() => Directory.GetFiles("/proc/self/fd").Length;
}
