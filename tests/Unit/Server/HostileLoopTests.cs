using System.Runtime.InteropServices;
using System.Text;
using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Server;

/// <summary>Sync loops of clients that mean no good: what a loop tells them by may be full, or nothing to tell anybody by.</summary>
public sealed unsafe class HostileLoopTests : IDisposable
{
    private const ulong Full = ulong.MaxValue - 1;

    private static readonly TimeSpan s_generous = TimeSpan.FromSeconds(30);

    private readonly TestServer _server = new(options => options with { MemoryPerUser = 1L << 40 });
    private readonly List<LoopClient> _clients = [];

    public void Dispose()
    {
        _clients.ForEach(client => client.Dispose());
        _server.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatIsNoEventfdIsRefused(bool tells)
    {
        LoopClient client = Open(0);
        using SafeDescriptor file = new(Fcntl.open("/dev/null", Fcntl.O_RDWR | Fcntl.O_CLOEXEC).Int32);
        using SafeDescriptor good = Event(0);
        client.Start(tells ? good : file, tells ? file : good);
        Assert.Equal((Errno.EINVAL, Errno.EINVAL), client.Result());
    }

    /// <summary>A write to a full eventfd waits until it is read, and these are never read.</summary>
    [Fact]
    public void LoopsThatTellByFullEventfdsEndWithTheirFiles()
    {
        for (int i = 0; i < 30; i++)
        {
            using LoopClient client = new(_server.Host, $"vale0:full{i}");
            using SafeDescriptor kick = Event(0);
            using SafeDescriptor told = Event(Full);
            client.Start(kick, told);
            client.SendOne(kick);
        }
        Assert.True(SpinWait.SpinUntil(() => Loops() == 0, s_generous), $"{Loops()} threads are left");
        _server.WaitForFiles(0);
    }

    /// <summary>
    /// The client fills the eventfd whenever there is room, also between the loop's look and its write. It may win as long as it goes on; then
    /// the eventfd stays full, and nobody reads it but the server.
    /// </summary>
    [Fact]
    public void LoopsWhoseEventfdsAreFilledInBetweenEndWithTheFilling()
    {
        using CancellationTokenSource over = new();
        using SafeDescriptor told = Event(0);
        Thread filling = new(() => Fill(told, over.Token));
        filling.Start();
        for (int i = 0; i < 30; i++)
        {
            using LoopClient client = new(_server.Host, $"vale0:filled{i}");
            using SafeDescriptor kick = Event(0);
            client.Start(kick, told);
            for (int k = 0; k < 200; k++)
                client.SendOne(kick);
        }
        over.Cancel();
        bool ended = SpinWait.SpinUntil(() => Loops() == 0, s_generous);
        // It may be the one that waits for room.
        Assert.True(SpinWait.SpinUntil(() => Emptied(told) && filling.Join(1), s_generous));
        Assert.True(ended);
        _server.WaitForFiles(0);
    }

    /// <summary>The threads of loops are limited; to stop one takes no thread, so that it works at the limit, too.</summary>
    [Fact]
    public void LoopsAreLimitedAndStoppedWithoutAThread()
    {
        using SafeDescriptor kick = Event(0);
        using SafeDescriptor told = Event(0);
        for (int i = 0; i < 130; i++)
            Open(i);
        int running = 0;
        Errno refused = Errno.Success;
        for (; running < _clients.Count; running++)
        {
            _clients[running].Start(kick, told);
            if (!_clients[running].IsRunning(out refused))
                break;
        }
        Assert.Equal(Errno.ENOMEM, refused);
        Assert.Equal(Errno.Success, _clients[0].Stop());
        Assert.Equal(Errno.Success, _clients[0].Result().Result);
        _clients[running].Start(kick, told);
        Assert.True(_clients[running].IsRunning(out _));
    }

    /// <summary>Full, then empty for a moment, then full again: a place at a time in the end, so that loops find one now and then.</summary>
    private static void Fill(SafeDescriptor told, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            Drain(told);
            ulong most = Full - 64;
            Unistd.write(told.Fd, &most, sizeof(ulong));
            // No more often: the server may take all of it out meanwhile.
            for (int i = 0; i < 100 && HasRoom(told); i++)
            {
                ulong one = 1;
                Unistd.write(told.Fd, &one, sizeof(ulong));
            }
        }
    }

    private static bool Emptied(SafeDescriptor told)
    {
        Drain(told);
        return true;
    }

    private static bool HasRoom(SafeDescriptor told)
    {
        pollfd look = new() { fd = told.Fd, events = Poll.POLLOUT };
        timespec now = default;
        return Poll.ppoll(&look, 1, &now).Value == 1;
    }

    private static void Drain(SafeDescriptor told)
    {
        ulong count;
        iovec place = new() { iov_base = &count, iov_len = sizeof(ulong) };
        SysUio.preadv2(told.Fd, &place, 1, -1, SysUio.RWF_NOWAIT);
    }

    private LoopClient Open(int number)
    {
        LoopClient client = new(_server.Host, $"vale0:k{number}");
        _clients.Add(client);
        return client;
    }

    private static SafeDescriptor Event(ulong count)
    {
        SafeDescriptor made = new(SysEventfd.eventfd(0, SysEventfd.EFD_CLOEXEC).Int32);
        if (count > 0)
            Assert.False(Unistd.write(made.Fd, &count, sizeof(ulong)).IsError);
        return made;
    }

    private static int Loops() => Directory.EnumerateDirectories("/proc/self/task").Count(task => NameOf(task).StartsWith("netmap sync lo", StringComparison.Ordinal));

    private static string NameOf(string task)
    {
        try
        {
            return File.ReadAllText(task + "/comm");
        }
        catch (IOException)
        {
            // It has just ended.
            return "";
        }
    }

    /// <summary>A file in CSB mode on a port of a switch, and a session for its loop.</summary>
    private sealed class LoopClient : IDisposable
    {
        private readonly RawClient _client;
        private readonly MessageSocket _looping;
        private readonly nm_csb_atok* _program;

        public LoopClient(string host, string port)
        {
            _client = new(host);
            // Never freed: the loop may outlive this test.
            byte* memory = (byte*)NativeMemory.AlignedAlloc(4096, 64);
            new Span<byte>(memory, 4096).Clear();
            _program = (nm_csb_atok*)memory;
            Assert.Equal(Errno.Success, _client.Attach());
            _looping = _client.Session;
            nmreq_opt_csb csb = new() { csb_atok = (ulong)memory, csb_ktoa = (ulong)memory + 2048 };
            csb.nro_opt.nro_reqtype = NetmapReq.NETMAP_REQ_OPT_CSB;
            nmreq_register body = new() { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_flags = NetmapH.NR_EXCLUSIVE };
            Send(NetmapReq.NETMAP_REQ_REGISTER, port, Bytes(body), Bytes(csb), []);
            Assert.Equal(Errno.Success, Result().Result);
        }

        /// <summary>Each ring has the same two.</summary>
        public void Start(SafeDescriptor kick, SafeDescriptor told)
        {
            nmreq_option option = new() { nro_reqtype = NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS, nro_size = (ulong)(sizeof(nmreq_option) + 16) };
            // Places among the descriptors.
            int[] pairs = [0, 1, 0, 1];
            byte[] whole = [.. Bytes(option), .. MemoryMarshal.AsBytes(pairs.AsSpan())];
            Send(NetmapReq.NETMAP_REQ_SYNC_KLOOP_START, "", Bytes(new nmreq_sync_kloop_start()), whole, [kick.Fd, told.Fd]);
        }

        public Errno Stop()
        {
            Assert.Equal(Errno.Success, _client.Attach());
            Message request = Request(NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, "", [], []);
            _client.Session.Send(request.Bytes);
            return Receive(_client.Session).Result;
        }

        /// <summary>Another frame: the transmit ring's tail moves, of which the loop tells.</summary>
        public void SendOne(SafeDescriptor kick)
        {
            ulong one = 1;
            uint next = (_program->head + 1) & 1023;
            _program->cur = next;
            Volatile.Write(ref _program->head, next);
            Unistd.write(kick.Fd, &one, sizeof(ulong));
        }

        /// <summary>What the loop's session was answered last, and the status of its first option.</summary>
        public (Errno Result, Errno Status) Result() => Receive(_looping);

        /// <summary>The loop's thread has begun; false when the request is answered with an error instead.</summary>
        public bool IsRunning(out Errno refused)
        {
            refused = Errno.Success;
            nm_csb_ktoa* engine = (nm_csb_ktoa*)((byte*)_program + 2048);
            // The loop's first word, and the next one before it sleeps.
            Volatile.Write(ref engine->kern_need_kick, 77);
            while (Volatile.Read(ref engine->kern_need_kick) == 77)
            {
                pollfd look = new() { fd = _looping.Descriptor, events = Poll.POLLIN };
                timespec soon = new() { tv_nsec = 1_000_000 };
                if (Poll.ppoll(&look, 1, &soon).Value != 1)
                    continue;
                refused = Result().Result;
                return false;
            }
            return true;
        }

        public void Dispose() => _client.Dispose();

        private void Send(ushort type, string name, byte[] body, byte[] option, int[] descriptors) =>
            _looping.Send(Request(type, name, body, option).Bytes, descriptors);

        private static (Errno Result, Errno Status) Receive(MessageSocket session)
        {
            pollfd look = new() { fd = session.Descriptor, events = Poll.POLLIN };
            timespec limit = new() { tv_sec = 30 };
            Assert.Equal(1, Poll.ppoll(&look, 1, &limit).Value);
            Message answer = new(NmsH.NMS_ANSWER_MAX);
            Assert.True(answer.Received(session.Receive(answer.Room, []).Int32));
            nmreq_header header = MemoryMarshal.Read<nmreq_header>(answer.Body[sizeof(nms_ioctl)..]);
            Errno status = header.nr_options == 0 ? Errno.Success
                : (Errno)MemoryMarshal.Read<nmreq_option>(answer.Body[(sizeof(nms_ioctl) + (int)header.nr_options)..]).nro_status;
            return ((Errno)answer.Header.result, status);
        }

        private static Message Request(ushort type, string name, byte[] body, byte[] option)
        {
            nmreq_header header = new()
            {
                nr_version = NetmapH.NETMAP_API,
                nr_reqtype = type,
                nr_body = body.Length > 0 ? (ulong)sizeof(nmreq_header) : 0,
                nr_options = option.Length > 0 ? (ulong)(sizeof(nmreq_header) + body.Length) : 0,
            };
            Encoding.ASCII.GetBytes(name, new Span<byte>(header.nr_name, 64));
            uint length = (uint)(sizeof(nmreq_header) + body.Length + option.Length);
            return new Message(2048).Begin(NmsH.NMS_IOCTL).Append(new nms_ioctl { request = NetmapH.NIOCCTRL, image_length = length })
                .Append(header).Append(body.AsSpan()).Append(option.AsSpan());
        }

        private static byte[] Bytes<T>(T value)
            where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();
    }
}
