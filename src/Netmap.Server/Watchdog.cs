namespace Netmap.Server;

/// <summary>
/// Whether what all clients share still works: the thread that takes connections, which asks here, the workers, and the engine's lock. One
/// user's own thread is not shared, and may be held up by him.
/// </summary>
internal sealed class Watchdog(NetmapServer server)
{
    /// <summary>The engine's lock is asked for this long: opening an interface may hold it for a while.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(50);

    private long _asked;

    /// <summary>Asks the workers anew; true when all of them have answered the last time, and the engine's lock can be had.</summary>
    public bool Look()
    {
        bool alive = server.Workers.All(worker => worker.Answered >= _asked);
        if (alive)
        {
            _asked++;
            foreach (Worker worker in server.Workers)
                worker.Ask(_asked);
        }
        if (!server.Engine.ControlLock.TryEnter(s_patience))
            return false;
        server.Engine.ControlLock.Exit();
        return alive;
    }
}
