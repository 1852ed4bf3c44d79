using System.Diagnostics;

namespace Netmap.Adapters.Native;

/// <summary>
/// Whether to look a little longer before a busy ring's reader sleeps. Waking it costs the sender's core several
/// microseconds, which under load is more than receiving costs: a receiver that slept after each of its short bursts had
/// 2.2 million frames a second, one that looks on for the gap between two bursts 4. Looking in vain makes it rarer.
/// </summary>
internal sealed class Patience
{
    /// <summary>Frames since the last sleep that make a ring busy: half of what a driver polls at once.</summary>
    private const int Busy = 32;

    private const int Most = 4;
    private const int Least = -4;

    /// <summary>From the end of one batch of the sender to the next.</summary>
    private static readonly long s_longest = Stopwatch.Frequency * 200 / 1_000_000;

    private int _score;
    private long _frames;

    /// <summary>Frames came.</summary>
    public void Saw(uint frames) => _frames += frames;

    /// <summary>Looks on for a while if that is likely to help; true when something came.</summary>
    /// <param name="ring">Tells when something is there.</param>
    public bool Wait(NativeRxGear ring)
    {
        bool busy = _frames >= Busy;
        _frames = 0;
        if (!busy || ++_score <= 0)
            return false;
        long started = Stopwatch.GetTimestamp();
        while (!ring.HasFrames)
        {
            if (Stopwatch.GetTimestamp() - started > s_longest)
            {
                _score = Least;
                return false;
            }
            Thread.SpinWait(8);
        }
        _score = Math.Min(_score, Most);
        return true;
    }
}
