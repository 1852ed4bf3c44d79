using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Tests.Model.Fuzz;

/// <summary>One session of a <see cref="FuzzClient"/>: its socket, its page, its doorbell.</summary>
internal sealed unsafe class FuzzSession : IDisposable
{
    private const int MostSpins = 20_000;

    private readonly MessageSocket _socket;
    private readonly SafeDescriptor _doorbell;
    private readonly List<SafeDescriptor> _received = [];
    private readonly Message _answer = new(NmsH.NMS_ANSWER_MAX);
    private readonly nms_page* _page;
    private uint _sequence;

    private FuzzSession(MessageSocket socket, nms_page* page, SafeDescriptor doorbell)
    {
        (_socket, _doorbell) = (socket, doorbell);
        _page = page;
    }

    /// <summary>The server has ended it.</summary>
    public bool IsOver { get; private set; }

    /// <summary>A session, or null when the server gives none.</summary>
    /// <param name="connection">The client's.</param>
    /// <param name="other">A descriptor to send in place of a socket, or -1.</param>
    public static FuzzSession? TryAttach(MessageSocket connection, int other)
    {
        (MessageSocket ours, MessageSocket theirs) = MessageSocket.Pair();
        using (theirs)
            connection.Send(new Message(64).Begin(NmsH.NMS_ATTACH).Bytes, [other >= 0 ? other : theirs.Descriptor], SysSocket.MSG_DONTWAIT);
        Message answer = new(1024);
        List<SafeDescriptor> received = [];
        if (ours.Receive(answer.Room, received) is { Value: > 0, IsError: false } && received.Count == 2)
        {
            using SafeDescriptor memory = received[0];
            SysResult mapped = SysMman.mmap(null, NmsH.NMS_PAGE_SIZE, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_SHARED, memory.Fd, 0);
            if (!mapped.IsError)
                return new(ours, (nms_page*)mapped.Value, received[1]);
        }
        received.ForEach(descriptor => descriptor.Dispose());
        ours.Dispose();
        return null;
    }

    /// <summary>Sends a message, and waits so long for its answer; null when none came.</summary>
    public Message? Ask(byte[] message, int[] descriptors, int milliseconds)
    {
        SysResult sent = _socket.Send(message, descriptors, SysSocket.MSG_DONTWAIT);
        IsOver |= sent.IsError && sent.Errno is not (Errno.EAGAIN or Errno.EMSGSIZE or Errno.EINVAL);
        pollfd wait = new() { fd = _socket.Descriptor, events = Poll.POLLIN };
        timespec limit = new() { tv_nsec = milliseconds * 1_000_000L };
        while (!IsOver && Poll.ppoll(&wait, 1, &limit).Value > 0)
        {
            _received.ForEach(descriptor => descriptor.Dispose());
            _received.Clear();
            SysResult received = _socket.Receive(_answer.Room, _received, SysSocket.MSG_DONTWAIT);
            IsOver |= received.Value <= 0;
            if (!IsOver && _answer.Received(received.Int32) && _answer.Header.type < NmsH.NMS_WAKE)
                return _answer;
        }
        return null;
    }

    public SafeDescriptor? TakeDescriptor()
    {
        SafeDescriptor? first = _received.Count > 0 ? _received[0] : null;
        _received.Clear();
        return first;
    }

    /// <summary>A sync through the page; now and then an unknown one, a second one before the answer, or one without ringing.</summary>
    public void Post(Random random)
    {
        byte operation = (byte)(random.Next(20) == 0 ? random.Next(256) : random.Next(1, 4));
        byte flags = (byte)(random.Next(20) == 0 ? random.Next(256) : random.Next(4));
        ushort events = (ushort)(random.Next(10) == 0 ? random.Next(65536) : random.Next(8));
        _sequence = random.Next(30) == 0 ? (uint)random.Next() : _sequence + 1;
        Interlocked.Exchange(ref _page->post, SharedPage.Post(_sequence, operation, flags, events));
        if (random.Next(10) == 0)
            _page->waiting = (uint)random.Next(2);
        if (Volatile.Read(ref _page->asleep) != 0 && random.Next(20) != 0)
        {
            ulong one = random.Next(50) == 0 ? ulong.MaxValue - 1 : 1;
            Unistd.write(_doorbell.Fd, &one, 8);
        }
        for (int i = 0; i < MostSpins && random.Next(200) != 0 && SharedPage.SequenceOf(Volatile.Read(ref _page->done)) != _sequence; i++)
            Thread.SpinWait(1);
    }

    /// <summary>Anything into all of the page.</summary>
    public void Scribble(Random random) => random.NextBytes(new Span<byte>(_page, sizeof(nms_page)));

    public void Dispose()
    {
        _received.ForEach(descriptor => descriptor.Dispose());
        SysMman.munmap(_page, NmsH.NMS_PAGE_SIZE);
        _socket.Dispose();
        _doorbell.Dispose();
    }
}
