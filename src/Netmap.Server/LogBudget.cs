namespace Netmap.Server;

/// <summary>
/// How many lines one user may cause in the log: a burst, then a few a second. Whoever asks for a thousand files a second fills no
/// disk so, nor hides what others did.
/// </summary>
/// <param name="clock">What the time is.</param>
internal sealed class LogBudget(TimeProvider clock)
{
    public const int Burst = 50;
    public const int PerSecond = 5;

    private readonly Lock _lock = new();
    private long _last = clock.GetTimestamp();
    private double _lines = Burst;
    private int _leftOut;

    /// <summary>Takes one line.</summary>
    /// <param name="leftOut">Lines refused since the last one granted.</param>
    /// <returns>False when there is none at the moment; it is counted.</returns>
    public bool TryTake(out int leftOut)
    {
        lock (_lock)
        {
            long now = clock.GetTimestamp();
            _lines = Math.Min(Burst, _lines + clock.GetElapsedTime(_last, now).TotalSeconds * PerSecond);
            _last = now;
            leftOut = _leftOut;
            if (_lines < 1)
            {
                _leftOut++;
                return false;
            }
            _lines--;
            _leftOut = 0;
            return true;
        }
    }
}
