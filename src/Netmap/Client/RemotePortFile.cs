using System.Runtime.CompilerServices;
using System.Text;
using Netmap.Bpf.Filters;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Client;

/// <summary>A file of a server (docs/protocol.md). Each thread that is in it at the same time has a session of its own.</summary>
internal sealed unsafe class RemotePortFile : IPortFile
{
    private static readonly Lazy<AsyncPoller> s_poller = new(() => new AsyncPoller());

    private readonly string _host;
    private readonly MessageSocket _connection;
    private readonly Lock _lock = new();
    private readonly Stack<ClientSession> _idle = [];
    private readonly AsyncWait _wait;
    private ClientSession? _next;
    private RemoteRegion? _region;
    private volatile bool _closed;

    /// <exception cref="NetmapException">ENOENT, ECONNREFUSED, EACCES; EMFILE the server grants no more files.</exception>
    public RemotePortFile(string host)
    {
        _host = host;
        _connection = MessageSocket.Connect(host);
        _wait = new AsyncWait(new RemoteLook(this), () => s_poller.Value);
        try
        {
            _next = new ClientSession(_connection, host);
        }
        catch
        {
            _connection.Dispose();
            throw;
        }
    }

    public bool IsBound => !_closed && _region is not null;

    public void Filter(string? expression, string name)
    {
        // Every frame is what a port takes that nothing is said of.
        if (expression is null)
            return;
        FrameFilter filter = FrameFilter.Compile(expression, name);
        ClientSession session = Rent();
        try
        {
            FilterMessage.Write(session.Begin(NmsH.NMS_FILTER), filter);
            Message answer = session.Request();
            if (answer.Header.result != 0)
                throw Refusal(answer, "filter", name);
        }
        finally
        {
            Return(session);
        }
    }

    public void Share(string? users, string? owner, string name) => Ask(NmsH.NMS_SHARE, $"{users}\n{owner}", name);

    public void Control(nmreq_header* header, string name, LentDescriptor? lent = null)
    {
        ClientSession session = Rent();
        try
        {
            RequestImage.Write(session.Begin(NmsH.NMS_IOCTL), header, lent);
            Message answer = session.Request(lent is null ? [] : [lent.Fd]);
            if (!answer.TryRead(out nms_ioctl ioctl))
                throw Refusal(answer, "open", name);
            ReadOnlySpan<byte> image = answer.Body.Slice(Unsafe.SizeOf<nms_ioctl>(), (int)ioctl.image_length);
            RequestImage.Read(image, header, answer.Header.result == 0);
            if (answer.Header.result != 0)
                throw new NetmapException((Errno)answer.Header.result, "open", name,
                    Words(answer.Body[(Unsafe.SizeOf<nms_ioctl>() + image.Length)..]));
        }
        finally
        {
            Return(session);
        }
    }

    public PortRings Rings(in nmreq_register granted)
    {
        long length = (long)granted.nr_memsize;
        ClientSession session = Rent();
        try
        {
            session.Begin(NmsH.NMS_MAP).Append(new nms_map { length = (ulong)length });
            Message answer = session.Request();
            if (answer.Header.result != 0)
                throw Refusal(answer, "map", null);
            using SafeDescriptor memory = session.TakeDescriptor();
            _region = answer.TryRead(out nms_map map) ? new RemoteRegion(memory, (long)map.offset, length) : throw Refusal(answer, "map", null);
        }
        finally
        {
            Return(session);
        }
        return _region.Rings(granted);
    }

    public PortInfo Info(string name) => PortJson.ReadInfo(Ask(NmsH.NMS_INFO, "", name)) with { Name = name };

    /// <summary>What another port is.</summary>
    /// <exception cref="NetmapException">ENXIO no such port.</exception>
    public PortInfo Query(string name) => PortJson.ReadInfo(Ask(NmsH.NMS_INFO, name, name));

    /// <summary>The counters of another port.</summary>
    /// <exception cref="NetmapException">ENXIO no such port.</exception>
    public PortStatistics QueryStatistics(string name) => PortJson.ReadStatistics(Ask(NmsH.NMS_STATISTICS, name, name));

    public PortStatistics Statistics() => PortJson.ReadStatistics(Ask(NmsH.NMS_STATISTICS, "", null));

    /// <summary>A request of words, answered in words.</summary>
    /// <exception cref="NetmapException">The refusal.</exception>
    public byte[] Ask(ushort type, string words, string? name)
    {
        ClientSession session = Rent();
        try
        {
            session.Begin(type).Append(words);
            Message answer = session.Request();
            return answer.Header.result == 0 ? answer.Body.ToArray() : throw Refusal(answer, "ask", name);
        }
        finally
        {
            Return(session);
        }
    }

    public Errno TxSync() => Sync(NmsH.NMS_OP_TXSYNC);

    public Errno RxSync() => Sync(NmsH.NMS_OP_RXSYNC);

    public short Poll(short events, TimeSpan timeout, CancellationToken cancellation)
    {
        ClientSession session = Rent();
        try
        {
            return RemotePoll.Run(session, events, timeout, cancellation);
        }
        finally
        {
            Return(session);
        }
    }

    public ValueTask<short> WaitAsync(short events, CancellationToken cancellation) => _wait.Start(events, cancellation);

    public void Dispose()
    {
        lock (_lock)
        {
            if (_closed)
                return;
            _closed = true;
            Interlocked.Exchange(ref _next, null)?.Dispose();
            while (_idle.TryPop(out ClientSession? session))
                session.Dispose();
        }
        _connection.Dispose();
    }

    /// <summary>A session for the calling thread alone; one that is free, or a new one.</summary>
    /// <exception cref="NetmapException">EMFILE too many; EIO the server is gone.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public ClientSession Rent()
    {
        if (Interlocked.Exchange(ref _next, null) is { } session)
            return session;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(NetmapPort));
            return _idle.TryPop(out ClientSession? idle) ? idle : new ClientSession(_connection, _host);
        }
    }

    public void Return(ClientSession session)
    {
        if (Interlocked.CompareExchange(ref _next, session, null) is null)
        {
            // Full fence; pairs with the exchange in Dispose: either that finds the session, or we find the file closed and take it back.
            if (_closed && Interlocked.CompareExchange(ref _next, null, session) == session)
                session.Dispose();
            return;
        }
        lock (_lock)
        {
            if (_closed)
                session.Dispose();
            else
                _idle.Push(session);
        }
    }

    private Errno Sync(byte operation)
    {
        if (_closed)
            return Errno.ENXIO;
        ClientSession session = Rent();
        Errno result = session.Sync(operation, 0, 0, out _);
        Return(session);
        return result;
    }

    private static NetmapException Refusal(Message answer, string operation, string? name) =>
        new((Errno)answer.Header.result, operation, name, Words(answer.Body));

    private static string Words(ReadOnlySpan<byte> text) => text.IsEmpty ? "the server refused" : Encoding.UTF8.GetString(text);
}
