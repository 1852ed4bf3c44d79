using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Server.Configuration;

namespace Netmap.Server;

/// <summary>
/// Serves the ports of an engine to other processes over a Unix socket (docs/protocol.md). One thread takes connections, each user has one
/// for requests, workers do the syncs.
/// </summary>
public sealed class NetmapServer : IDisposable
{
    private static readonly TimeSpan s_breath = TimeSpan.FromMilliseconds(10);

    private static readonly TimeSpan s_longestTick = TimeSpan.FromSeconds(1);

    /// <summary>For users' threads at the end; one that its user holds up is left behind.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly MessageSocket _listener;
    private readonly WakeUp _wakeUp;
    private readonly Worker[] _workers;
    private readonly HashSet<OpenFile> _files = [];
    private readonly ClientAccounts _accounts;
    private readonly Watchdog _watchdog;
    private readonly Thread _thread;
    private readonly ServerMetrics _metrics;
    private readonly EventLoop _loop = new();
    private readonly TimeSpan _tick;
    private volatile bool _stopping;

    /// <summary>Listens from now on.</summary>
    /// <param name="engine">Hosts the ports; the caller disposes it, after the server.</param>
    /// <param name="options">Where and how.</param>
    /// <param name="loggers">Where its log goes; nowhere by default.</param>
    /// <exception cref="NetmapException">EADDRINUSE, EEXIST, EACCES, ENOENT for the address; EMFILE.</exception>
    public NetmapServer(NetmapEngine engine, NetmapServerOptions options, ILoggerFactory? loggers = null)
    {
        (Options, Hosted, Engine) = (options, engine, engine.Core);
        // Four looks for each time that the service manager waits: half of it is missed by none, though a worker has to answer in between.
        _tick = options.Watchdog is { } interval && interval < s_longestTick * 4 ? interval / 4 : s_longestTick;
        Log = new ServerLog((loggers ?? NullLoggerFactory.Instance).CreateLogger("Netmap.Server"));
        Callers = new Callers(Engine, options);
        Resources = new ResourceAccounts(Engine, options, Callers.AreMany);
        Resources.Apply(options.Configuration);
        int workers = options.Workers > 0 ? options.Workers : Math.Max(1, Environment.ProcessorCount / 2);
        // A server of one program's own grants it what there is.
        foreach (string shortage in options.TrustsClients ? [] : KernelLimits.Shortages(options, workers))
            Log.Shortage(shortage);
        _accounts = new ClientAccounts(this);
        _watchdog = new Watchdog(this);
        _wakeUp = new WakeUp(Log.Survived);
        _listener = SocketFile.Listen(options);
        _workers = [.. Enumerable.Range(0, workers).Select(i => new Worker(i, options, Log))];
        _loop.Add(new Acceptor(this, _listener));
        _loop.Add(_wakeUp);
        _metrics = new ServerMetrics(this);
        _thread = new Thread(Run) { IsBackground = true, Name = "netmap control" };
        _thread.Start();
        Log.Serving(options.Host, workers);
        if (options.Configuration != ServerConfiguration.Default)
            Log.Configured(options.Configuration);
    }

    /// <summary>What it was made with.</summary>
    public NetmapServerOptions Options { get; }

    internal NetmapEngine Hosted { get; }

    internal Callers Callers { get; }

    internal Engine Engine { get; }

    internal ResourceAccounts Resources { get; }

    internal ServerCounts Counts { get; } = new();

    internal ServerLog Log { get; }

    internal ClientAccounts Accounts => _accounts;

    /// <summary>A snapshot.</summary>
    internal IReadOnlyList<OpenFile> Files
    {
        get
        {
            lock (_files)
                return [.. _files];
        }
    }

    /// <summary>Those that have sessions, or memory of ports.</summary>
    internal ClientProcesses Processes { get; } = new();

    internal IReadOnlyList<Worker> Workers => _workers;

    internal ServerMetrics Metrics => _metrics;

    /// <summary>What clients it has and what it did, a snapshot; of a server that has ended, the last one.</summary>
    public ServerStatus GetStatus() => ServerStatus.Of(this);

    /// <summary>
    /// Reads the configuration anew: its rules and limits hold from now on, and what is open stays. One that makes no sense changes nothing. The
    /// log says which.
    /// </summary>
    /// <returns>Whether the configuration was good.</returns>
    public bool Reconfigure(ConfigurationSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        try
        {
            ServerConfiguration configuration = source.Read(Options);
            Resources.Apply(configuration);
            Log.Configured(configuration);
            return true;
        }
        catch (ConfigurationException problem)
        {
            Log.NotConfigured(problem.Message);
            return false;
        }
    }

    /// <summary>Tells the clients, closes their files and ends; the socket's file goes.</summary>
    public void Dispose()
    {
        if (_stopping)
            return;
        _wakeUp.Post(() => _stopping = true);
        _thread.Join();
        foreach (Worker worker in _workers)
            worker.Dispose();
        _metrics.Dispose();
        _listener.Dispose();
        SocketFile.Remove(Options.Host);
        _wakeUp.Dispose();
        _loop.Dispose();
    }

    internal void Forget(OpenFile file)
    {
        lock (_files)
            _files.Remove(file);
        Log.Closed(file.Opener.pid);
    }

    /// <summary>Requests of another user are being seen to, or wait for the engine's lock.</summary>
    internal bool OthersWait(ClientThread self) => _accounts.Threads.Any(thread => thread != self && thread.Loop.IsBusy);

    private void Run()
    {
        long alive = 0;
        while (!_stopping)
        {
            _loop.Turn((int)_tick.TotalMilliseconds);
            if (Stopwatch.GetElapsedTime(alive) < _tick)
                continue;
            alive = Stopwatch.GetTimestamp();
            Guard.Run(Tick, Log.Survived);
        }
        Log.Stopping(Files.Count);
        IReadOnlyList<ClientThread> users = _accounts.Threads;
        foreach (ClientThread user in users)
            user.Stop();
        long began = Stopwatch.GetTimestamp();
        foreach (ClientThread user in users)
        {
            TimeSpan left = s_patience - Stopwatch.GetElapsedTime(began);
            user.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
    }

    private void Tick()
    {
        if (Options.Watchdog is not null && _watchdog.Look())
            ServiceNotification.Alive();
        foreach (ClientThread user in _accounts.Threads)
            user.Account.Closer.Look();
        _accounts.Others.Closer.Look();
    }

    /// <summary>A connection has come: its user's thread goes on with it.</summary>
    private void Take(int connection)
    {
        using SafeDescriptor unseen = new(connection);
        ucred peer = new MessageSocket(unseen).Peer();
        // An abstract address has no permissions: what a path's mode says to others is said here.
        if (Options.Host.StartsWith('@') && peer.uid != 0 && peer.uid != Unistd.geteuid())
        {
            if (Log.Lists(_accounts.Others))
                Log.Stranger(peer.uid, peer.pid);
            Refuse(Own(unseen, _accounts.Others), Errno.EACCES,
                "this server is for its own user and root; a socket with a path and --group admits others");
            return;
        }
        if (FindUser(peer.uid, out string? reason) is not { } user)
        {
            Refuse(Own(unseen, _accounts.Others), Errno.EMFILE, reason!);
            return;
        }
        reason = user.Account.TryOpen();
        MessageSocket socket = Own(unseen, user.Account);
        if (reason is null)
        {
            user.Post(() => Open(user, socket, peer));
            return;
        }
        if (Log.Lists(user.Account))
            Log.TooMany(peer.pid, reason);
        Refuse(socket, Errno.EMFILE, reason);
        // What it has put into the socket holds up the close. More of these must not pile up faster than others are served.
        if (user.Account.IsSwamped)
            Thread.Sleep(s_breath);
    }

    private static MessageSocket Own(SafeDescriptor unseen, ClientAccount account)
    {
        int fd = unseen.Fd;
        unseen.SetHandleAsInvalid();
        return new MessageSocket(account.Own(fd));
    }

    private ClientThread? FindUser(uint id, out string? reason)
    {
        reason = null;
        try
        {
            if (_accounts.Find(id) is { } user)
                return user;
            reason = $"{Options.Users} users are served already, as many as allowed; raise --users";
            if (Log.Lists(_accounts.Others))
                Log.TooManyUsers(id, Options.Users);
        }
        catch (Exception none) when (none is OutOfMemoryException or NetmapException)
        {
            reason = "the server has no thread or no descriptor for another user; raise its TasksMax, LimitNOFILE";
            if (Log.Lists(_accounts.Others))
                Log.Survived(none);
        }
        return null;
    }

    /// <summary>On the user's thread.</summary>
    private void Open(ClientThread user, MessageSocket socket, ucred peer)
    {
        OpenFile? file = null;
        try
        {
            file = new OpenFile(user, socket, peer, _workers.MinBy(worker => worker.Files)!);
            lock (_files)
                _files.Add(file);
            user.Add(file);
            Log.Opened(peer.pid, peer.uid);
        }
        catch (Exception problem)
        {
            if (Log.Lists(user.Account))
                Log.FileFailed(peer.pid, problem);
            Refuse(socket, (problem as NetmapException)?.Errno ?? Errno.EIO, (problem as NetmapException)?.Reason ?? "it failed inside the server");
            if (file is not null)
                file.Close();
            else
                user.Account.Close();
        }
    }

    private static void Refuse(MessageSocket socket, Errno errno, string reason)
    {
        Message answer = new Message(512).Begin(NmsH.NMS_ATTACH, errno).Append(reason);
        socket.Send(answer.Bytes, flags: SysSocket.MSG_DONTWAIT);
        socket.Shutdown();
        socket.Dispose();
    }

    private sealed class Acceptor(NetmapServer server, MessageSocket listener) : IEndpoint
    {
        public int Descriptor => listener.Descriptor;

        public void Ready()
        {
            if (server._accounts.IsFull)
            {
                Thread.Sleep(s_breath);
                return;
            }
            SysResult fd = SysSocket.accept4(listener.Descriptor, SysSocket.SOCK_CLOEXEC);
            if (!fd.IsError)
                server.Take(fd.Int32);
            else if (fd.Errno is Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM or Errno.ENOBUFS)
                // The client stays in the queue; without a pause we would only spin.
                Thread.Sleep(s_breath);
        }

        public void Failed(Exception problem) => server.Log.Survived(problem);
    }
}
