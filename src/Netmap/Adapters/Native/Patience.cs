using System.Diagnostics;

namespace Netmap.Adapters.Native;

/// <summary>
/// Whether to look a little longer before a busy ring's reader sleeps. Waking it costs the sender's core several
/// microseconds, which under load is more than receiving costs: a receiver that slept whenever its ring was empty for a
/// moment had 2.2 million frames a second, one that looks on has more than 3. A ring is busy while at least
/// <see cref="Busy"/> frames come in <see cref="s_window"/>, 160,000 a second; below that its reader sleeps at once.
/// </summary>
internal sealed class Patience
{
    /// <summary>Half of what a driver polls at once.</summary>
    private const int Busy = 32;

    /// <summary>Longer than a sender takes from the end of one batch to the next.</summary>
    private static readonly long s_window = Stopwatch.Frequency / 5000;

    /// <summary>
    /// Between two looks. Each takes the cache lines that the program is writing from its core, and it waits to get them
    /// back: looking 300 ns after each look had it spend a fifth more a frame than looking every 5 microseconds.
    /// </summary>
    private static readonly long s_pause = Stopwatch.Frequency / 200_000;

    private long _windowEnd;
    private long _busyUntil;
    private uint _frames;

    /// <summary>Frames came; true while the ring is busy.</summary>
    public bool Saw(uint frames)
    {
        long now = Stopwatch.GetTimestamp();
        if (now > _windowEnd)
            (_windowEnd, _frames) = (now + s_window, 0);
        _frames += frames;
        if (_frames >= Busy)
            (_busyUntil, _windowEnd) = (now + s_window, 0);
        return now < _busyUntil;
    }

    /// <summary>Looks on while the ring is busy; true when something came.</summary>
    /// <param name="ring">Tells when something is there.</param>
    public bool Wait(INativeRxRing ring)
    {
        long now = Stopwatch.GetTimestamp();
        while (now < _busyUntil)
        {
            for (long look = now + s_pause; now < look; now = Stopwatch.GetTimestamp())
                Thread.SpinWait(8);
            if (ring.HasFrames)
                return true;
        }
        return false;
    }
}
