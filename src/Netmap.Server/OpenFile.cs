using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>One connection: an open netmap file of some process, alive while any process holds the connection's other end.</summary>
internal sealed class OpenFile : IEndpoint
{
    private readonly MessageSocket _socket;
    private readonly List<Session> _sessions = [];
    private readonly List<SafeDescriptor> _received = [];
    private readonly Message _message = new(256);
    private bool _closed;

    public OpenFile(NetmapServer server, MessageSocket socket, ClientAccount account, Worker worker)
    {
        (Server, _socket, Account, Worker) = (server, socket, account, worker);
        Opener = socket.Peer();
        File = server.Engine.Open(remote: true);
        worker.Files++;
    }

    public NetmapServer Server { get; }

    public NetmapFile File { get; }

    /// <summary>Serves its sessions.</summary>
    public Worker Worker { get; }

    public ClientAccount Account { get; }

    /// <summary>Who opened it.</summary>
    public ucred Opener { get; }

    /// <summary>What its port costs.</summary>
    public Charge Charge { get; private set; }

    public int Sessions => _sessions.Count;

    public int Descriptor => _socket.Descriptor;

    /// <summary>A new session, or the end.</summary>
    public void Ready()
    {
        _received.Clear();
        SysResult received = _socket.Receive(_message.Room, _received, SysSocket.MSG_DONTWAIT);
        if (received.Errno == Errno.EAGAIN)
            return;
        if (!received.IsError && received.Value > 0 && _received.Count == 1 && _message.Received(received.Int32)
            && _message.Header.type == NmsH.NMS_ATTACH)
        {
            Attach(_received[0]);
            return;
        }
        foreach (SafeDescriptor descriptor in _received)
            descriptor.Dispose();
        if (received.Errno == Errno.EMFILE)
        {
            // No fault of the client's, and there is no session to tell it on; what it has goes on.
            _socket.Send(_message.Begin(NmsH.NMS_ATTACH, Errno.EMFILE).Append("the server has no descriptors left").Bytes, flags: SysSocket.MSG_DONTWAIT);
            return;
        }
        if (received.IsError || received.Value > 0)
            Server.Requests.Complain(this, Opener.pid, received.IsError ? received.Errno.ToString() : "not an attach");
        Close();
    }

    /// <summary>Books what the port of this file costs.</summary>
    public void Book(in Charge charge)
    {
        Charge = charge;
        Account.Add(charge);
    }

    /// <summary>The port that was booked is unbound again.</summary>
    public void Unbook()
    {
        Account.Add(new(-Charge.Rings, -Charge.Memory));
        Charge = default;
    }

    /// <summary>Ends a session; the others go on.</summary>
    public void End(Session session)
    {
        if (!_sessions.Remove(session))
            return;
        Server.Loop.Remove(session);
        File.Bells.Remove(session.Bell);
        session.Ended.Cancel();
        session.Leave();
    }

    /// <summary>Unbinds the port and forgets the client, as a kernel does when the last descriptor goes.</summary>
    public void Close()
    {
        if (_closed)
            return;
        _closed = true;
        Server.Loop.Remove(this);
        foreach (Session session in _sessions.ToArray())
            End(session);
        File.Close();
        _socket.Dispose();
        Worker.Files--;
        Account.Close(Charge);
        Server.Forget(this);
    }

    /// <summary>Tells everybody who uses the file that the server ends.</summary>
    public void SayGoodbye()
    {
        foreach (Session session in _sessions)
            session.Socket.Send(_message.Begin(NmsH.NMS_BYE).Bytes, flags: SysSocket.MSG_DONTWAIT);
    }

    private void Attach(SafeDescriptor descriptor)
    {
        MessageSocket socket = new(descriptor);
        if (!socket.IsSeqPacket)
        {
            Server.Requests.Complain(this, Opener.pid, "a session is a Unix SEQPACKET socket");
            socket.Dispose();
            Close();
            return;
        }
        try
        {
            if (_sessions.Count >= Server.Options.SessionsPerFile)
                throw new NetmapException(Errno.EMFILE, "attach", null, $"this file has {_sessions.Count} sessions, the most there can be");
            Start(socket);
        }
        catch (NetmapException refusal)
        {
            socket.Send(_message.Begin(NmsH.NMS_ATTACH, refusal.Errno).Append(refusal.Reason).Bytes, flags: SysSocket.MSG_DONTWAIT);
            socket.Dispose();
        }
    }

    private void Start(MessageSocket socket)
    {
        using SafeDescriptor memory = SharedPage.Create();
        SharedPage page = new(memory.Fd);
        SysResult bell = SysEventfd.eventfd(0, SysEventfd.EFD_CLOEXEC | SysEventfd.EFD_NONBLOCK);
        if (bell.IsError)
        {
            page.Dispose();
            throw new NetmapException(bell.Errno, "attach", null, "the server has no descriptors left");
        }
        Session session = new(this, socket, page, new SafeDescriptor(bell.Int32));
        _sessions.Add(session);
        File.Bells.Add(session.Bell);
        session.ServeOn(Worker);
        Server.Loop.Add(session);
        _message.Begin(NmsH.NMS_ATTACH).Append(new nms_attached
        {
            spin_ns = (uint)Server.Options.Spin.TotalNanoseconds,
            yield_ns = (uint)Server.Options.Linger.TotalNanoseconds,
        });
        if (socket.Send(_message.Bytes, [memory.Fd, bell.Int32], SysSocket.MSG_DONTWAIT).IsError)
            End(session);
    }
}
