using System.Runtime.InteropServices;
using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;
using Netmap.Rings;
using Netmap.Tests.Unit.Server;

namespace Netmap.Tests.Unit.Control;

/// <summary>CSB mode and the sync loop (spec 10), in process and through a server.</summary>
public sealed unsafe class KloopTests : IDisposable
{
    private static readonly TimeSpan s_generous = TimeSpan.FromSeconds(30);

    private readonly TestServer _server = new();
    private readonly NetmapFile _file;
    private readonly byte* _memory = (byte*)NativeMemory.AlignedAlloc(4096, 64);

    public KloopTests() => _file = _server.Engine.Core.Open();

    private nm_csb_atok* Program => (nm_csb_atok*)_memory;

    private nm_csb_ktoa* Engine => (nm_csb_ktoa*)(_memory + 2048);

    public void Dispose()
    {
        _file.Close();
        _server.Dispose();
        NativeMemory.AlignedFree(_memory);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheLoopSendsWhatTheProgramsMemorySays(bool withDescriptors)
    {
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_EXCLUSIVE, (ulong)Program, (ulong)Engine));
        Assert.Equal((Errno.EBUSY, Errno.EBUSY), (_file.TxSync(), _file.RxSync()));
        Assert.Equal(Poll.POLLERR, _file.Poller.Look(Poll.POLLIN, null));
        using NetmapPort peer = NetmapPort.Open("netmap:csb}1", engine: _server.Engine);
        using Bell kick = new();
        using Bell told = new();
        int[] descriptors = withDescriptors ? [kick.Descriptor, told.Descriptor, kick.Descriptor, -1] : [];
        Errno ended = Errno.EINVAL;
        Thread loop = new(() => ended = Start(_file, 50, descriptors));
        loop.Start();
        for (uint head = 1; head <= 100; head++)
        {
            Program->cur = head;
            Volatile.Write(ref Program->head, head);
            kick.Ring();
            Until(() => Volatile.Read(ref Engine->hwcur) == head);
        }
        Assert.Equal(PollEvents.Receive, peer.Poll(PollEvents.Receive, s_generous));
        Assert.Equal(100, peer.RxRings[0].Available);
        peer.RxRings[0].Advance(100);
        peer.RxSync();
        Until(() => Volatile.Read(ref Engine->hwtail) == 99);
        Assert.Equal(Errno.Success, Control(_file, NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, null, null));
        Assert.True(loop.Join(s_generous));
        Assert.Equal(Errno.Success, ended);
    }

    [Fact]
    public void AServerRunsTheLoopOnItsClientsMemory()
    {
        using MessageSocket connection = MessageSocket.Connect(_server.Host);
        using ClientSession session = new(connection, _server.Host);
        using ClientSession looping = new(connection, _server.Host);
        Assert.Equal(Errno.Success, Ask(session, h => Register(h, NetmapH.NR_EXCLUSIVE, (ulong)Program, (ulong)Engine)));
        session.Sync(NmsH.NMS_OP_POLL, 0, Poll.POLLIN, out short found);
        Assert.Equal(Poll.POLLERR, found);
        Errno ended = Errno.EINVAL;
        Thread loop = new(() => ended = Ask(looping, h => Start(h, 50, [])));
        loop.Start();
        Program->cur = 7;
        Volatile.Write(ref Program->head, 7);
        Until(() => Volatile.Read(ref Engine->hwcur) == 7);
        Assert.Equal(Errno.Success, Ask(session, h => Control(h, NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, null, null)));
        Assert.True(loop.Join(s_generous));
        Assert.Equal(Errno.Success, ended);
    }

    [Fact]
    public void RefusalsOfCsb()
    {
        Assert.Equal(Errno.EINVAL, Register(_file, 0, (ulong)Program, (ulong)Engine));
        Assert.Equal(Errno.EINVAL, Register(_file, NetmapH.NR_EXCLUSIVE, (ulong)Program + 8, (ulong)Engine));
        Assert.Equal(Errno.EFAULT, Register(_file, NetmapH.NR_EXCLUSIVE, 64, (ulong)Engine));
        Assert.Equal(Errno.EINVAL, Control(_file, NetmapReq.NETMAP_REQ_CSB_ENABLE, null, null));
        Assert.Null(_file.Registration);
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_EXCLUSIVE, (ulong)Program, (ulong)Engine));
    }

    [Fact]
    public void RefusalsOfTheLoop()
    {
        Assert.Equal(Errno.ENXIO, Start(_file, 0, []));
        Assert.Equal(Errno.ENXIO, Control(_file, NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, null, null));
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_EXCLUSIVE, (ulong)Program, (ulong)Engine));
        Assert.Equal(Errno.EINVAL, Start(_file, 1_000_001, []));
        Assert.Equal(Errno.EINVAL, Start(_file, 0, [1, 2]));
        Assert.Equal(Errno.EBADF, Start(_file, 0, [9999, -1, 9999, -1]));
        Assert.Null(_file.Kloop);
    }

    /// <summary>As on the reference: who stops before the loop runs means the loop that is about to.</summary>
    [Fact]
    public void ALoopThatWasStoppedBeforeItBeganEndsAtOnce()
    {
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_EXCLUSIVE, (ulong)Program, (ulong)Engine));
        Assert.Equal(Errno.Success, Control(_file, NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, null, null));
        Assert.Equal(Errno.Success, Start(_file, 0, []));
        Assert.Null(_file.Kloop);
    }

    [Fact]
    public void ALoopThatNobodyWaitsForAnyMoreEndsAtOnce()
    {
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_EXCLUSIVE, (ulong)Program, (ulong)Engine));
        CallerMemory gone = CallerMemory.Own with { Ended = new CancellationToken(canceled: true) };
        Assert.Equal(Errno.Success, Start(header => _file.Ioctl(NetmapH.NIOCCTRL, (ulong)header, gone), 0, []));
        Assert.Null(_file.Kloop);
    }

    /// <summary>Between a request's look at its port and its loop the port may be closed, and its rings be another file's.</summary>
    [Fact]
    public void ALoopOfAClosedPortLeavesTheNextUsersRingsAlone()
    {
        using RawPort keeper = new(_server.Engine);
        Assert.Equal(Errno.Success, keeper.Bind("csb{1", flags: NetmapH.NR_RX_RINGS_ONLY));
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_EXCLUSIVE | NetmapH.NR_TX_RINGS_ONLY, (ulong)Program, (ulong)Engine));
        using SyncKloop loop = new(_file, _file.Registration!, _file.Csb!, TimeSpan.Zero, null);
        _file.Close();
        using RawPort next = new(_server.Engine);
        Assert.Equal(Errno.Success, next.Bind("csb{1", flags: NetmapH.NR_EXCLUSIVE | NetmapH.NR_TX_RINGS_ONLY));
        (Program->head, Program->cur) = (9, 9);
        _file.Begin(loop);
        using CancellationTokenSource late = new(s_generous);
        using CancellationTokenRegistration end = late.Token.Register(loop.RequestStop);
        loop.Run();
        Assert.Equal((0u, 0u), (next.Tx()->head, next.Tx()->cur));
        Assert.False(late.IsCancellationRequested);
    }

    [Fact]
    public void WhatALoopThatRunsRefuses()
    {
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_EXCLUSIVE, (ulong)Program, (ulong)Engine));
        Thread loop = new(() => Start(_file, 50, []));
        loop.Start();
        Until(() => _file.Kloop is not null);
        Assert.Equal(Errno.EBUSY, Start(_file, 50, []));
        Assert.Equal(Errno.EBUSY, Start(_file, 50, [1, 2]));
        Assert.Equal(Errno.EBUSY, EnableCsb(_file));
        Assert.Equal(Errno.Success, Control(_file, NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, null, null));
        Assert.True(loop.Join(s_generous));
        Assert.Equal(Errno.Success, EnableCsb(_file));
    }

    [Fact]
    public void CsbMeansNothingToAFileWithoutRings()
    {
        Assert.Equal(Errno.Success, EnableCsb(_file));
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_TX_RINGS_ONLY | NetmapH.NR_RX_RINGS_ONLY, (ulong)Program, (ulong)Engine));
        Assert.Null(_file.Csb);
        Assert.Equal(Errno.EINVAL, Start(_file, 0, []));
    }

    /// <summary>A direct mode is the same loop, which needs a doorbell for each ring; other modes do not exist.</summary>
    [Theory]
    [InlineData(1u, false, Errno.EINVAL)]
    [InlineData(2u, false, Errno.EINVAL)]
    [InlineData(3u, true, Errno.Success)]
    [InlineData(0u, true, Errno.Success)]
    [InlineData(0u, false, Errno.Success)]
    [InlineData(4u, true, Errno.EINVAL)]
    public void DirectModesNeedADoorbellForEachRing(uint mode, bool all, object expected)
    {
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_EXCLUSIVE, (ulong)Program, (ulong)Engine));
        using Bell kick = new();
        Pairs pairs = default;
        pairs.Option = new() { nro_reqtype = NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS, nro_size = (ulong)sizeof(Pairs) };
        (pairs.Fds[0], pairs.Fds[1], pairs.Fds[2], pairs.Fds[3]) = (kick.Descriptor, -1, all ? kick.Descriptor : -1, -1);
        nmreq_opt_sync_kloop_mode option = new() { mode = mode };
        (option.nro_opt.nro_reqtype, option.nro_opt.nro_next) = (NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_MODE, (ulong)&pairs);
        nmreq_sync_kloop_start body = default;
        Assert.Equal(Errno.Success, Control(_file, NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, null, null));
        Assert.Equal(expected, Control(_file, NetmapReq.NETMAP_REQ_SYNC_KLOOP_START, &body, &option));
        Assert.Equal(mode > 3 ? (uint)Errno.EINVAL : 0u, option.nro_opt.nro_status);
        if (mode <= 3)
            Assert.Equal((uint)(Errno)expected, pairs.Option.nro_status);
    }

    /// <summary>Impossible indices move nothing, and the ring works again with the next good ones.</summary>
    [Fact]
    public void TheLoopOutlivesImpossibleIndices()
    {
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_EXCLUSIVE, (ulong)Program, (ulong)Engine));
        Errno ended = Errno.EINVAL;
        Thread loop = new(() => ended = Start(_file, 50, []));
        loop.Start();
        foreach (uint bad in (uint[])[1024, uint.MaxValue])
        {
            uint before = Engine->hwcur;
            Program->cur = bad;
            Volatile.Write(ref Program->head, bad);
            Until(() => _file.Kloop is not null);
            Thread.Sleep(5);
            Assert.Equal(before, Volatile.Read(ref Engine->hwcur));
            Program->cur = before + 1;
            Volatile.Write(ref Program->head, before + 1);
            Until(() => Volatile.Read(ref Engine->hwcur) == before + 1);
        }
        Assert.Equal(Errno.Success, Control(_file, NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, null, null));
        Assert.True(loop.Join(s_generous));
        Assert.Equal(Errno.Success, ended);
    }

    /// <summary>
    /// The program asks to be told after the loop has read its indices, and before the tail it does not know yet is published:
    /// here the sync in between asks for it.
    /// </summary>
    [Fact]
    public void AProgramThatBeginsToWaitDuringASyncIsTold()
    {
        Assert.Equal(Errno.Success, Register(_file, NetmapH.NR_EXCLUSIVE, (ulong)Program, (ulong)Engine));
        using RawPort peer = new(_server.Engine);
        Assert.Equal(Errno.Success, peer.Bind("csb}1"));
        using Bell kick = new();
        using Bell told = new();
        Thread loop = new(() => Start(_file, 0, [kick.Descriptor, -1, kick.Descriptor, told.Descriptor]));
        loop.Start();
        peer.Send(new byte[60]);
        Until(() => Volatile.Read(ref Engine[1].hwtail) == 1);
        Until(() => HasRung(told));
        told.Drain();
        Program[1].appl_need_kick = 0;
        // The sync that gives the first slot back wakes the sender, us; it is the one that brings the second.
        Asking asking = new(&Program[1].appl_need_kick);
        KRing sending = peer.File.Registration!.TxRings[0];
        sending.Waiters.Add(asking);
        Until(() => Volatile.Read(ref Engine[1].kern_need_kick) == 1);
        Program[1].cur = 1;
        Volatile.Write(ref Program[1].head, 1);
        peer.Send(new byte[60]);
        Until(() => HasRung(told));
        Assert.Equal(2u, Volatile.Read(ref Engine[1].hwtail));
        sending.Waiters.Remove(asking);
        Assert.Equal(Errno.Success, Control(_file, NetmapReq.NETMAP_REQ_SYNC_KLOOP_STOP, null, null));
        Assert.True(loop.Join(s_generous));
    }

    private sealed class Asking(uint* needKick) : IWaiter
    {
        public void Wake() => Volatile.Write(ref *needKick, 1);
    }

    /// <summary>EVENTFDS for two rings.</summary>
    private struct Pairs
    {
        public nmreq_option Option;
        public fixed int Fds[4];
    }

    private static bool HasRung(Bell bell)
    {
        pollfd look = new() { fd = bell.Descriptor, events = Poll.POLLIN };
        timespec now = default;
        return Poll.ppoll(&look, 1, &now).Value == 1;
    }

    private Errno EnableCsb(NetmapFile file)
    {
        nmreq_opt_csb option = new() { csb_atok = (ulong)Program, csb_ktoa = (ulong)Engine };
        option.nro_opt.nro_reqtype = NetmapReq.NETMAP_REQ_OPT_CSB;
        Errno result = Control(file, NetmapReq.NETMAP_REQ_CSB_ENABLE, null, &option);
        Assert.Equal((uint)result, option.nro_opt.nro_status);
        return result;
    }

    private delegate Errno Issue(nmreq_header* header);

    private static Errno Register(NetmapFile file, ulong flags, ulong atok, ulong ktoa) =>
        Register(header => file.Ioctl(NetmapH.NIOCCTRL, (ulong)header, CallerMemory.Own), flags, atok, ktoa);

    private static Errno Register(Issue issue, ulong flags, ulong atok, ulong ktoa)
    {
        nmreq_register body = new() { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_flags = flags };
        nmreq_opt_csb option = new() { csb_atok = atok, csb_ktoa = ktoa };
        option.nro_opt.nro_reqtype = NetmapReq.NETMAP_REQ_OPT_CSB;
        return Control(issue, NetmapReq.NETMAP_REQ_REGISTER, &body, &option);
    }

    private static Errno Start(NetmapFile file, uint pause, int[] descriptors) =>
        Start(header => file.Ioctl(NetmapH.NIOCCTRL, (ulong)header, CallerMemory.Own), pause, descriptors);

    private static Errno Start(Issue issue, uint pause, int[] descriptors)
    {
        nmreq_sync_kloop_start body = new() { sleep_us = pause };
        byte* option = stackalloc byte[sizeof(nmreq_option) + (4 * descriptors.Length)];
        *(nmreq_option*)option = new()
        {
            nro_reqtype = NetmapReq.NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS,
            nro_size = (ulong)(sizeof(nmreq_option) + (4 * descriptors.Length)),
        };
        descriptors.CopyTo(new Span<int>(option + sizeof(nmreq_option), descriptors.Length));
        return Control(issue, NetmapReq.NETMAP_REQ_SYNC_KLOOP_START, &body, descriptors.Length > 0 ? option : null);
    }

    private static Errno Control(NetmapFile file, ushort type, void* body, void* option) =>
        Control(header => file.Ioctl(NetmapH.NIOCCTRL, (ulong)header, CallerMemory.Own), type, body, option);

    private static Errno Control(Issue issue, ushort type, void* body, void* option)
    {
        nmreq_header header = new() { nr_version = NetmapH.NETMAP_API, nr_reqtype = type, nr_body = (ulong)body, nr_options = (ulong)option };
        PortNames.Write(new Span<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ), "csb{1");
        return issue(&header);
    }

    private static Errno Ask(ClientSession session, Func<Issue, Errno> request) => request(header =>
    {
        RequestImage.Write(session.Begin(NmsH.NMS_IOCTL), header);
        return (Errno)session.Request().Header.result;
    });

    private static void Until(Func<bool> condition)
    {
        for (int i = 0; i < 30_000 && !condition(); i++)
            Thread.Sleep(1);
        Assert.True(condition());
    }
}
