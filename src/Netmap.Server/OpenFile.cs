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

    /// <param name="control">The thread that its requests are seen to on.</param>
    /// <param name="socket">Taken over.</param>
    /// <param name="opener">Who has connected.</param>
    /// <param name="worker">Serves its sessions.</param>
    /// <exception cref="ObjectDisposedException">The engine ends.</exception>
    public OpenFile(ClientThread control, MessageSocket socket, ucred opener, Worker worker)
    {
        (Control, _socket, Opener, Worker) = (control, socket, opener, worker);
        // Both wait for the engine's lock: this thread may.
        File = Server.Engine.Open(Server.Callers.Of(socket, Server.Resources.Of(Account.User)));
        worker.Count(1);
    }

    public NetmapServer Server => Control.Server;

    /// <summary>All but syncs happens on it.</summary>
    public ClientThread Control { get; }

    public NetmapFile File { get; }

    /// <summary>Serves its sessions.</summary>
    public Worker Worker { get; }

    public ClientAccount Account => Control.Account;

    /// <summary>Who opened it.</summary>
    public ucred Opener { get; }

    public int Sessions => _sessions.Count;

    public int Descriptor => _socket.Descriptor;

    /// <summary>A new session, or the end. What makes no sense there is no request of anybody: a program's stray write may have come here.</summary>
    public void Ready()
    {
        if (!Account.TryReserve(MessageSocket.MostDescriptors))
        {
            Control.Pause(this);
            return;
        }
        _received.Clear();
        SysResult received;
        try
        {
            received = _socket.Receive(_message.Room, _received, SysSocket.MSG_DONTWAIT, Account.Own);
        }
        finally
        {
            Account.Release(MessageSocket.MostDescriptors);
        }
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
        if (received.IsError ? received.Errno is not (Errno.EMSGSIZE or Errno.EMFILE) : received.Value == 0 && _received.Count == 0)
        {
            Close();
            return;
        }
        Control.Requests.Complain(this, Opener.pid, $"no attach on the connection ({received}, {_received.Count} descriptors), left out");
    }

    /// <summary>A defect of ours met this file on its own thread.</summary>
    public void Failed(Exception problem)
    {
        Guard.Run(
            () =>
            {
                if (Server.Log.Lists(Account))
                    Server.Log.FileFailed(Opener.pid, problem);
            },
            static _ => { });
        Close();
    }

    /// <summary>A defect of ours met this file on another thread.</summary>
    public void Fail(Exception problem) => Control.Post(() => Failed(problem));

    /// <summary>Ends a session; the others go on. Never throws.</summary>
    public void End(Session session)
    {
        if (!_sessions.Remove(session))
            return;
        Try(() => Control.Remove(session));
        Try(() => File.Bells.Remove(session.Bell));
        Try(session.Ended.Cancel);
        Try(session.Socket.Shutdown);
        Try(session.Leave);
    }

    /// <summary>
    /// Unbinds the port and forgets the client, as a kernel does when the last descriptor goes. Never throws: each step is done, whatever
    /// became of those before it.
    /// </summary>
    public void Close()
    {
        if (_closed)
            return;
        _closed = true;
        Try(() => Control.Remove(this));
        foreach (Session session in _sessions.ToArray())
            End(session);
        Try(File.Close);
        Try(_socket.Shutdown);
        Try(_socket.Dispose);
        Worker.Count(-1);
        Account.Close();
        Try(() => Server.Forget(this));
    }

    /// <summary>Tells everybody who uses the file that the server ends.</summary>
    public void SayGoodbye()
    {
        foreach (Session session in _sessions)
            session.Socket.Send(_message.Begin(NmsH.NMS_BYE).Bytes, flags: SysSocket.MSG_DONTWAIT);
    }

    private void Try(Action step) => Guard.Run(step, problem =>
    {
        if (Server.Log.Lists(Account))
            Server.Log.FileFailed(Opener.pid, problem);
    });

    private void Attach(SafeDescriptor descriptor)
    {
        MessageSocket socket = new(descriptor);
        if (!socket.IsSeqPacket)
        {
            Control.Requests.Complain(this, Opener.pid, "a session is a Unix SEQPACKET socket");
            socket.Dispose();
            return;
        }
        try
        {
            CheckMaker(socket);
            if (_sessions.Count >= Server.Options.SessionsPerFile)
                throw new NetmapException(Errno.EMFILE, "attach", null, $"this file has {_sessions.Count} sessions, the most there can be");
            Account.TakeSession();
            Start(socket);
        }
        catch (NetmapException refusal)
        {
            socket.Send(_message.Begin(NmsH.NMS_ATTACH, refusal.Errno).Append(refusal.Reason).Bytes, flags: SysSocket.MSG_DONTWAIT);
            socket.Shutdown();
            socket.Dispose();
        }
    }

    /// <summary>
    /// A session acts for the process that made its socket. A socket that is connected to some service names that service's process instead,
    /// and so does one end of a pair that a process of other rights has handed down.
    /// </summary>
    /// <exception cref="NetmapException">EPERM.</exception>
    private void CheckMaker(MessageSocket socket)
    {
        uint maker = socket.Peer().uid;
        if (!socket.IsPair || (maker != Opener.uid && Opener.uid != 0))
            throw new NetmapException(Errno.EPERM, "attach", null, "a session is one end of a socketpair that a process of the file's user has made");
    }

    /// <summary>The session is counted; from here on it gives its place back when it goes.</summary>
    private void Start(MessageSocket socket)
    {
        Session session;
        int bell;
        using SafeDescriptor memory = Make(socket, out session, out bell);
        _sessions.Add(session);
        try
        {
            session.ServeOn(Worker);
            File.Bells.Add(session.Bell);
            Control.Loop.Add(session);
        }
        catch
        {
            End(session);
            throw;
        }
        _message.Begin(NmsH.NMS_ATTACH).Append(new nms_attached
        {
            spin_ns = (uint)Server.Options.Spin.TotalNanoseconds,
            yield_ns = (uint)Server.Options.Linger.TotalNanoseconds,
        });
        if (socket.Send(_message.Bytes, [memory.Fd, bell], SysSocket.MSG_DONTWAIT).IsError)
            End(session);
    }

    /// <returns>The memory of its page.</returns>
    private SafeDescriptor Make(MessageSocket socket, out Session session, out int bell)
    {
        SafeDescriptor? memory = null;
        SharedPage? page = null;
        try
        {
            memory = SharedPage.Create();
            page = new(memory.Fd);
            SysResult made = SysEventfd.eventfd(0, SysEventfd.EFD_CLOEXEC | SysEventfd.EFD_NONBLOCK);
            if (made.IsError)
                throw new NetmapException(made.Errno, "attach", null, "the server has no descriptors left; raise its `ulimit -n`");
            bell = made.Int32;
            session = new Session(this, socket, page, new SafeDescriptor(bell));
            return memory;
        }
        catch
        {
            memory?.Dispose();
            page?.Dispose();
            Account.ReturnSession();
            throw;
        }
    }
}
