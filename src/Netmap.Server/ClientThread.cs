using System.Diagnostics;

namespace Netmap.Server;

/// <summary>
/// The thread that one user's connections and requests are seen to on. A request that waits, for whatever reason, holds up requests of
/// this user. Sessions are sockets that the client made: it may receive from our end as well, and while it does so into memory that never
/// comes, our receive waits in the kernel, MSG_DONTWAIT or not.
/// </summary>
internal sealed class ClientThread
{
    /// <summary>Until endpoints that were paused are tried again.</summary>
    private const int PauseMilliseconds = 100;

    private readonly WakeUp _wakeUp;
    private readonly List<IEndpoint> _paused = [];
    private readonly HashSet<OpenFile> _files = [];
    private readonly ControlBudget _budget = new(TimeProvider.System);
    private readonly Thread _thread;
    private bool _stopping;

    /// <exception cref="OutOfMemoryException">No thread can be started.</exception>
    /// <exception cref="NetmapException">EMFILE.</exception>
    public ClientThread(NetmapServer server, ClientAccount account)
    {
        (Server, Account) = (server, account);
        Requests = new RequestHandler(server);
        _wakeUp = new WakeUp(Failed);
        Loop.Add(_wakeUp);
        _thread = new Thread(Run) { IsBackground = true, Name = $"netmap user {account.User}" };
        _thread.Start();
    }

    public NetmapServer Server { get; }

    public ClientAccount Account { get; }

    public EventLoop Loop { get; } = new();

    public RequestHandler Requests { get; }

    /// <summary>Runs something on the thread.</summary>
    public void Post(Action work) => _wakeUp.Post(work);

    public void Add(OpenFile file)
    {
        Loop.Add(file);
        _files.Add(file);
    }

    public void Remove(OpenFile file)
    {
        _files.Remove(file);
        _paused.Remove(file);
        Loop.Remove(file);
    }

    public void Remove(Session session)
    {
        _paused.Remove(session);
        Loop.Remove(session);
    }

    /// <summary>
    /// There is no room for what a message may bring: the endpoint is not read from for a while. (It leaves the set: one whose other end is
    /// gone would wake us without end.)
    /// </summary>
    public void Pause(IEndpoint endpoint)
    {
        Loop.Remove(endpoint);
        _paused.Add(endpoint);
    }

    /// <summary>Tells the clients and closes their files; the thread ends then.</summary>
    public void Stop() => Post(() =>
    {
        _stopping = true;
        OpenFile[] files = [.. _files];
        foreach (OpenFile file in files)
            Guard.Run(file.SayGoodbye, Failed);
        foreach (OpenFile file in files)
            file.Close();
    });

    /// <summary>Waits until the thread has ended; false when it has not by then: a client holds it up.</summary>
    public bool Join(TimeSpan patience) => _thread.Join(patience);

    private void Run()
    {
        while (!_stopping)
        {
            long busy = Loop.Turn(_paused.Count > 0 ? PauseMilliseconds : Timeout.Infinite);
            TimeSpan pause = _budget.Spend(Stopwatch.GetElapsedTime(0, busy));
            if (pause > TimeSpan.Zero && Server.OthersWait(this))
                Thread.Sleep(pause);
            if (_paused.Count > 0)
                Guard.Run(Resume, Failed);
        }
        Loop.Dispose();
        _wakeUp.Dispose();
    }

    private void Resume()
    {
        if (!Account.TryReserve(Client.MessageSocket.MostDescriptors))
            return;
        Account.Release(Client.MessageSocket.MostDescriptors);
        IEndpoint[] all = [.. _paused];
        _paused.Clear();
        foreach (IEndpoint endpoint in all)
            Loop.Add(endpoint);
    }

    /// <summary>Work that belongs to no file.</summary>
    private void Failed(Exception problem)
    {
        if (Server.Log.Lists(Account))
            Server.Log.Failed(0, problem);
    }
}
