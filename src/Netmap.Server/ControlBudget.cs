namespace Netmap.Server;

/// <summary>
/// Time that one user's requests may take while other users have requests, too: half of it, after a burst. Requests share a processor and
/// the engine's lock, also where each user's have a thread.
/// </summary>
/// <param name="clock">What the time is.</param>
internal sealed class ControlBudget(TimeProvider clock)
{
    public static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(100);

    /// <summary>One pause at most: what others post to the thread waits meanwhile.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(100);

    private long _last = clock.GetTimestamp();
    private TimeSpan _left = Burst;

    /// <summary>Requests took so long, until now.</summary>
    /// <returns>How long to pause before the next if others wait; zero as a rule.</returns>
    public TimeSpan Spend(TimeSpan busy)
    {
        long now = clock.GetTimestamp();
        _left += clock.GetElapsedTime(_last, now) / 2;
        _last = now;
        _left = (_left > Burst ? Burst : _left) - busy;
        // A debt that no pause has paid, as no other user waited, is not kept for later.
        if (_left < -LongestPause / 2)
            _left = -LongestPause / 2;
        return _left < TimeSpan.Zero ? _left * -2 : TimeSpan.Zero;
    }
}
