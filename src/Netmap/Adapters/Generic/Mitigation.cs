namespace Netmap.Adapters.Generic;

/// <summary>
/// Holds the notifications of one receive ring together (spec 5.5). It has no thread: whoever waits for the ring asks
/// <see cref="Remaining"/> how long to sleep and calls <see cref="Expire"/> afterwards, so a timer costs nothing while
/// nobody waits. Guarded by its ring's queue lock.
/// </summary>
internal sealed class Mitigation
{
    /// <summary>Periods below this are off, as in the reference.</summary>
    private static readonly TimeSpan s_shortest = TimeSpan.FromTicks(328);

    private readonly TimeProvider _clock;
    private readonly TimeSpan _period;
    private readonly bool _enabled;
    private long _started;
    private bool _active;
    private bool _pending;

    public Mitigation(TimeProvider clock, TimeSpan period)
    {
        _clock = clock;
        _period = period;
        _enabled = period >= s_shortest;
    }

    /// <summary>A frame arrived; true when the waiters are to be notified now.</summary>
    public bool FrameArrived()
    {
        if (!_enabled)
            return true;
        if (_active)
        {
            _pending = true;
            return false;
        }
        Arm();
        return true;
    }

    /// <summary>Runs the timer if it is due; true when the waiters are to be notified now.</summary>
    public bool Expire()
    {
        if (!_active || Remaining > TimeSpan.Zero)
            return false;
        bool notify = _pending;
        Cancel();
        if (notify)
            Arm();
        return notify;
    }

    /// <summary>Until the timer is due; infinite when it is idle.</summary>
    public TimeSpan Remaining => _active ? _period - _clock.GetElapsedTime(_started) : Timeout.InfiniteTimeSpan;

    public void Cancel() => (_active, _pending) = (false, false);

    private void Arm() => (_active, _started) = (true, _clock.GetTimestamp());
}
