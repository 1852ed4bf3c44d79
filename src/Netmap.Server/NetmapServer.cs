using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Server;

/// <summary>
/// Serves the ports of an engine to other processes over a Unix socket (docs/protocol.md). One thread takes connections and
/// requests, workers do the syncs.
/// </summary>
public sealed class NetmapServer : IDisposable
{
    private readonly MessageSocket _listener;
    private readonly WakeUp _wakeUp = new();
    private readonly Worker[] _workers;
    private readonly HashSet<OpenFile> _files = [];
    private readonly Dictionary<uint, ClientAccount> _accounts = [];
    private readonly Thread _thread;
    private readonly ServerMetrics _metrics;
    private volatile bool _stopping;

    /// <summary>Listens from now on.</summary>
    /// <param name="engine">Hosts the ports; the caller disposes it, after the server.</param>
    /// <param name="options">Where and how.</param>
    /// <param name="loggers">Where its log goes; nowhere by default.</param>
    /// <exception cref="NetmapException">EADDRINUSE, EEXIST, EACCES, ENOENT for the address; EMFILE.</exception>
    public NetmapServer(NetmapEngine engine, NetmapServerOptions options, ILoggerFactory? loggers = null)
    {
        (Options, Hosted, Engine) = (options, engine, engine.Core);
        Log = new ServerLog((loggers ?? NullLoggerFactory.Instance).CreateLogger("Netmap.Server"));
        Requests = new RequestHandler(this);
        _listener = SocketFile.Listen(options);
        int workers = options.Workers > 0 ? options.Workers : Math.Max(1, Environment.ProcessorCount / 2);
        _workers = [.. Enumerable.Range(0, workers).Select(i => new Worker(i, options))];
        Loop.Add(new Acceptor(this, _listener));
        Loop.Add(_wakeUp);
        _metrics = new ServerMetrics(this);
        _thread = new Thread(Run) { IsBackground = true, Name = "netmap control" };
        _thread.Start();
        Log.Serving(options.Host, workers);
    }

    /// <summary>What it was made with.</summary>
    public NetmapServerOptions Options { get; }

    internal NetmapEngine Hosted { get; }

    internal Engine Engine { get; }

    internal EventLoop Loop { get; } = new();

    internal RequestHandler Requests { get; }

    internal ServerLog Log { get; }

    /// <summary>Those that have sessions, or memory of ports.</summary>
    internal ClientProcesses Processes { get; } = new();

    internal IReadOnlyCollection<OpenFile> Files => _files;

    internal IReadOnlyList<Worker> Workers => _workers;

    internal ServerMetrics Metrics => _metrics;

    /// <summary>What clients it has and what it did, a snapshot.</summary>
    public ServerStatus GetStatus()
    {
        TaskCompletionSource<ServerStatus> status = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => status.SetResult(ServerStatus.Of(this)));
        return status.Task.GetAwaiter().GetResult();
    }

    /// <summary>Tells the clients, closes their files and ends; the socket's file goes.</summary>
    public void Dispose()
    {
        if (_stopping)
            return;
        Post(() => _stopping = true);
        _thread.Join();
        foreach (Worker worker in _workers)
            worker.Dispose();
        _metrics.Dispose();
        _listener.Dispose();
        SocketFile.Remove(Options.Host);
        _wakeUp.Dispose();
        Loop.Dispose();
    }

    /// <summary>Runs something on the control thread.</summary>
    internal void Post(Action work) => _wakeUp.Post(work);

    internal void Forget(OpenFile file)
    {
        _files.Remove(file);
        Log.Closed(file.Opener.pid);
    }

    private void Run()
    {
        while (!_stopping)
            Loop.Turn(-1);
        Log.Stopping(_files.Count);
        foreach (OpenFile file in _files)
            file.SayGoodbye();
        foreach (OpenFile file in _files.ToArray())
            file.Close();
    }

    private void Open(MessageSocket socket)
    {
        ucred peer = socket.Peer();
        if (!_accounts.TryGetValue(peer.uid, out ClientAccount? account))
            _accounts.Add(peer.uid, account = new ClientAccount(peer.uid, Options));
        // An abstract address has no permissions: what a path's mode says to others is said here.
        if (Options.Host.StartsWith('@') && peer.uid != 0 && peer.uid != Unistd.geteuid())
        {
            if (Log.Lists(account))
                Log.Stranger(peer.uid, peer.pid);
            Refuse(socket, Errno.EACCES, "this server is for its own user and root; a socket with a path and --group admits others");
            return;
        }
        if (!account.TryOpen())
        {
            if (Log.Lists(account))
                Log.TooMany(peer.uid, account.Files, peer.pid);
            Refuse(socket, Errno.EMFILE, $"user {peer.uid} has {account.Files} files open, as many as allowed; close some, or raise --files-per-user");
            return;
        }
        OpenFile file = new(this, socket, account, _workers.MinBy(worker => worker.Files)!);
        _files.Add(file);
        Loop.Add(file);
        Log.Opened(peer.pid, peer.uid);
    }

    private static void Refuse(MessageSocket socket, Errno errno, string reason)
    {
        Message answer = new Message(256).Begin(NmsH.NMS_ATTACH, errno).Append(reason);
        socket.Send(answer.Bytes, flags: SysSocket.MSG_DONTWAIT);
        socket.Dispose();
    }

    private sealed class Acceptor(NetmapServer server, MessageSocket listener) : IEndpoint
    {
        public int Descriptor => listener.Descriptor;

        public void Ready()
        {
            SysResult fd = SysSocket.accept4(listener.Descriptor, SysSocket.SOCK_CLOEXEC);
            if (!fd.IsError)
                server.Open(new MessageSocket(new SafeDescriptor(fd.Int32)));
            else if (fd.Errno is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM or Errno.ENOBUFS)
                // The client stays in the queue; without a pause we would only spin.
                Thread.Sleep(10);
        }
    }
}
