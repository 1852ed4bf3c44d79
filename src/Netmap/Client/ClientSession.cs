using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using Netmap.Interop;

namespace Netmap.Client;

/// <summary>
/// One thread's way into an open file of a server: a socket for requests and a page for syncs (docs/protocol.md). One request
/// at a time.
/// </summary>
internal sealed unsafe class ClientSession : IDisposable
{
    /// <summary>Times a spin may go unrewarded before it is left out.</summary>
    private const int SpinCredit = 8;

    /// <summary>An answer is waited for so much longer than news: the server is at work on it, and waking us would cost it more.</summary>
    private const int AnswerLingers = 4;

    private readonly MessageSocket _socket;
    private readonly SharedPage _page;
    private readonly SafeDescriptor _doorbell;
    private readonly List<SafeDescriptor> _received = [];
    private readonly Message _answer = new(NmsH.NMS_ANSWER_MAX);
    private readonly Message _request = new(NmsH.NMS_REQUEST_MAX);
    private readonly string _host;
    private readonly uint _spin;
    private readonly uint _yield;
    private uint _sequence;
    private int _spinCredit = SpinCredit;
    private bool _news;
    private uint _seen;

    /// <exception cref="NetmapException">EMFILE too many files, sessions or descriptors; EIO the server is gone.</exception>
    public ClientSession(MessageSocket connection, string host)
    {
        _host = host;
        (_socket, MessageSocket theirs) = MessageSocket.Pair();
        try
        {
            using (theirs)
                connection.Send(_request.Begin(NmsH.NMS_ATTACH).Bytes, [theirs.Descriptor]);
            nms_attached attached = ReadAttached(connection);
            (_spin, _yield) = (attached.spin_ns, attached.yield_ns);
            using SafeDescriptor memory = _received[0];
            _doorbell = _received[1];
            _page = new SharedPage(memory.Fd);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Readable when the server has woken us, or is gone.</summary>
    public int Descriptor => _socket.Descriptor;

    /// <summary>A message to fill in for <see cref="Request"/>.</summary>
    public Message Begin(ushort type) => _request.Begin(type);

    /// <summary>Sends the message begun, and waits for its answer. Valid until the next request.</summary>
    /// <exception cref="NetmapException">EIO the server is gone; EMFILE no room for the descriptor that comes with the answer.</exception>
    public Message Request(ReadOnlySpan<int> descriptors = default)
    {
        ushort type = _request.Header.type;
        return _socket.Send(_request.Bytes, descriptors).IsError ? throw Gone() : ReadAnswer(type);
    }

    /// <summary>The descriptor that came with the last answer; the caller owns it.</summary>
    /// <exception cref="NetmapException">EIO there is none.</exception>
    public SafeDescriptor TakeDescriptor() => _received.Count == 1 ? _received[0] : throw Gone();

    /// <summary>A sync through the page. No system call while the server is awake.</summary>
    /// <returns>EIO when the server is gone, which <paramref name="found"/> says too.</returns>
    public Errno Sync(byte operation, byte flags, short events, out short found)
    {
        Errno result;
        do
        {
            _news = false;
            _seen = _page.News;
            result = SyncOnce(operation, flags, events, out found);
        }
        // Whoever slept for the answer may have read away the very news it armed for, and nothing else would wake it.
        while (_news && found == 0 && (flags & NmsH.NMS_FLAG_ARM) != 0);
        return result;
    }

    /// <summary>
    /// After a sync with NMS_FLAG_ARM and NMS_FLAG_LINGER that found nothing: looks for its news for a while, letting others
    /// run, and then says that it sleeps.
    /// </summary>
    /// <returns>True when there is news; false to sleep, and to call <see cref="EndSleep"/> after it.</returns>
    public bool Linger()
    {
        long end = Stopwatch.GetTimestamp() + _yield;
        do
        {
            if (_page.News != _seen)
                return true;
            Thread.Yield();
        }
        while (Stopwatch.GetTimestamp() < end);
        _page.SetWaiting(true);
        if (_page.News == _seen)
            return false;
        EndSleep();
        return true;
    }

    public void EndSleep() => _page.SetWaiting(false);

    /// <summary>Reads away what woke us; false when the server is gone.</summary>
    public bool Drain()
    {
        while (true)
        {
            SysResult received = Receive(SysSocket.MSG_DONTWAIT);
            if (received.IsError || received.Value == 0)
                return received.Errno == Errno.EAGAIN;
            if (_answer.Header.type == NmsH.NMS_BYE)
                return false;
            _news |= _answer.Header.type == NmsH.NMS_WAKE;
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _page?.Dispose();
        _doorbell?.Dispose();
    }

    private nms_attached ReadAttached(MessageSocket connection)
    {
        // A server that grants no file says why on the connection, and closes it.
        SysResult received = Receive(_socket, 0);
        // The first try tells of the reset, the second what was said before it.
        for (int i = 0; i < 2 && received.Value <= 0 && received.Errno != Errno.EMFILE; i++)
            received = Receive(connection, SysSocket.MSG_DONTWAIT);
        if (received.Value <= 0)
            throw Failed(received);
        if (_answer.Header.result != 0)
            throw new NetmapException((Errno)_answer.Header.result, "attach", _host, Encoding.UTF8.GetString(_answer.Body));
        return _answer.TryRead(out nms_attached attached) && _received.Count == 2 ? attached : throw Gone();
    }

    private Errno SyncOnce(byte operation, byte flags, short events, out short found)
    {
        uint sequence = ++_sequence;
        _page.Posted = SharedPage.Post(sequence, operation, flags, (ushort)events);
        if (_page.IsServerAsleep)
            Ring();
        ulong answer = _page.Answer;
        if (SharedPage.SequenceOf(answer) != sequence && !TrySpin(sequence, out answer) && !TryYield(sequence, out answer)
            && !Sleep(sequence, out answer))
        {
            found = Poll.POLLERR;
            return Errno.EIO;
        }
        found = (short)(answer >> 16);
        return (Errno)(ushort)answer;
    }

    private bool TrySpin(uint sequence, out ulong answer)
    {
        answer = 0;
        // Where the server has no CPU of its own, spinning only keeps it from running: now and then a try tells.
        if (_spinCredit <= 0 && (sequence & 63) != 0)
            return false;
        long end = Stopwatch.GetTimestamp() + _spin;
        do
        {
            for (int i = 0; i < 16; i++)
            {
                answer = _page.Answer;
                if (SharedPage.SequenceOf(answer) == sequence)
                {
                    _spinCredit = SpinCredit;
                    return true;
                }
                Thread.SpinWait(1);
            }
        }
        while (Stopwatch.GetTimestamp() < end);
        _spinCredit--;
        return false;
    }

    private bool TryYield(uint sequence, out ulong answer)
    {
        long end = Stopwatch.GetTimestamp() + ((long)_yield * AnswerLingers);
        do
        {
            Thread.Yield();
            answer = _page.Answer;
            if (SharedPage.SequenceOf(answer) == sequence)
                return true;
        }
        while (Stopwatch.GetTimestamp() < end);
        return false;
    }

    /// <summary>Sleeps until the answer is there; false when the server is gone.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Sleep(uint sequence, out ulong answer)
    {
        _page.SetWaiting(true);
        pollfd wait = new() { fd = Descriptor, events = Poll.POLLIN };
        bool alive = true;
        while (SharedPage.SequenceOf(answer = _page.Answer) != sequence && alive)
        {
            Poll.ppoll(&wait, 1, null);
            alive = Drain();
        }
        _page.SetWaiting(false);
        // What the server answered before it went still counts.
        return SharedPage.SequenceOf(answer = _page.Answer) == sequence;
    }

    private void Ring()
    {
        ulong one = 1;
        Unistd.write(_doorbell.Fd, &one, sizeof(ulong));
    }

    private Message ReadAnswer(ushort type)
    {
        while (true)
        {
            SysResult received = Receive(0);
            if (received.IsError || received.Value == 0 || _answer.Header.type == NmsH.NMS_BYE)
                throw Failed(received);
            if (_answer.Header.type == type)
                return _answer;
            _news |= _answer.Header.type == NmsH.NMS_WAKE;
        }
    }

    private SysResult Receive(int flags) => Receive(_socket, flags);

    private SysResult Receive(MessageSocket socket, int flags)
    {
        _received.Clear();
        SysResult received = socket.Receive(_answer.Room, _received, flags);
        if (!received.IsError)
            return received.Value == 0 || _answer.Received(received.Int32) ? received : SysResult.Error(Errno.EPROTO);
        _received.ForEach(static descriptor => descriptor.Dispose());
        _received.Clear();
        return received;
    }

    private NetmapException Failed(SysResult received) => received.Errno == Errno.EMFILE
        ? new(Errno.EMFILE, "request", _host, "this process has no descriptor left for what the server sends; raise `ulimit -n`")
        : Gone();

    private NetmapException Gone() => new(Errno.EIO, "request", _host, "the netmap server is gone; its ports went with it");
}
