using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Server;

/// <summary>A client without manners: sends what it likes, and writes what it likes into its page.</summary>
internal sealed unsafe class RawClient : IDisposable
{
    private readonly List<SafeDescriptor> _received = [];
    private readonly List<MessageSocket> _sessions = [];
    private readonly List<nint> _pages = [];

    public RawClient(string host) => Connection = MessageSocket.Connect(host);

    public MessageSocket Connection { get; }

    /// <summary>The newest session's socket; null before <see cref="Attach"/>.</summary>
    public MessageSocket Session => _sessions[^1];

    public nms_page* Page { get; private set; }

    public SafeDescriptor Doorbell => _received[1];

    /// <summary>Opens a session.</summary>
    /// <returns>The answer's result.</returns>
    public Errno Attach()
    {
        (MessageSocket ours, MessageSocket theirs) = MessageSocket.Pair();
        _sessions.Add(ours);
        Connection.Send(new Message(64).Begin(NmsH.NMS_ATTACH).Bytes, [theirs.Descriptor]);
        theirs.Dispose();
        Message answer = new(1024);
        _received.Clear();
        SysResult received = ours.Receive(answer.Room, _received);
        if (received.IsError || received.Value == 0)
            return Errno.EPIPE;
        Assert.True(answer.Received(received.Int32));
        if (answer.Header.result == 0)
        {
            SysResult mapped = SysMman.mmap(null, NmsH.NMS_PAGE_SIZE, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_SHARED, _received[0].Fd, 0);
            Page = (nms_page*)mapped.Value;
            _pages.Add((nint)mapped.Value);
        }
        return (Errno)answer.Header.result;
    }

    /// <summary>True when the other end has closed.</summary>
    public static bool IsClosed(MessageSocket socket)
    {
        pollfd wait = new() { fd = socket.Descriptor, events = Poll.POLLIN };
        byte[] bytes = new byte[NmsH.NMS_ANSWER_MAX];
        List<SafeDescriptor> descriptors = [];
        while (true)
        {
            timespec limit = new() { tv_sec = 20 };
            if (Poll.ppoll(&wait, 1, &limit).Value == 0)
                return false;
            SysResult received = socket.Receive(bytes, descriptors, SysSocket.MSG_DONTWAIT);
            if (received.Value == 0 || received.Errno == Errno.ECONNRESET)
                return true;
        }
    }

    public void Dispose()
    {
        foreach (MessageSocket session in _sessions)
            session.Dispose();
        foreach (SafeDescriptor descriptor in _received)
            descriptor.Dispose();
        Connection.Dispose();
        // Tests end a client early and again at their end: by then others may be mapped at those addresses.
        foreach (nint page in _pages)
            SysMman.munmap((void*)page, NmsH.NMS_PAGE_SIZE);
        _pages.Clear();
        Page = null;
    }
}
