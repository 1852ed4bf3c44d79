using Netmap.Interop;

namespace Netmap.Memory;

/// <summary>
/// Gives the pages of one account's regions back that are gone. Programs may have them mapped still, or hold their file, and the pages that the
/// engine touched first are charged to the engine's process, whoever keeps them. Punching them out of the file takes its lock, which a program
/// that writes to the file can hold for as long as it likes; so a thread does it that nothing else waits for, and that ends when there is
/// nothing to do. Any thread.
/// </summary>
internal sealed class PageReturn
{
    private const int Most = 256;
    private const int Usual = 16;

    private const int StackSize = 128 << 10;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Queue<(SafeDescriptor File, long Length)> _waiting = [];
    private bool _runs;
    private long _began;

    /// <summary>Regions whose pages are still to be given back.</summary>
    public int Count { get; private set; }

    /// <summary>A program holds it up: its user gets no memory until that is over.</summary>
    public bool IsHeldUp
    {
        get
        {
            lock (_waiting)
                return Count >= Most || (Count > Usual && TimeProvider.System.GetElapsedTime(_began) > s_patience);
        }
    }

    /// <summary>Takes a region's file over. Never blocks and never throws.</summary>
    public void Take(SafeDescriptor file, long length)
    {
        lock (_waiting)
        {
            _waiting.Enqueue((file, length));
            Count++;
            if (_runs)
                return;
            _runs = true;
            _began = TimeProvider.System.GetTimestamp();
        }
        try
        {
            new Thread(Run, StackSize) { IsBackground = true, Name = "netmap pages" }.Start();
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            // The next one tries again.
            lock (_waiting)
                _runs = false;
        }
    }

    private void Run()
    {
        while (TryTake(out (SafeDescriptor File, long Length) region))
        {
            // What the kernel refuses stays until the last program has let go of it.
            Fcntl.fallocate(region.File.Fd, Fcntl.FALLOC_FL_PUNCH_HOLE | Fcntl.FALLOC_FL_KEEP_SIZE, 0, region.Length);
            region.File.Dispose();
            lock (_waiting)
                Count--;
        }
    }

    private bool TryTake(out (SafeDescriptor File, long Length) region)
    {
        lock (_waiting)
        {
            _began = TimeProvider.System.GetTimestamp();
            return _runs = _waiting.TryDequeue(out region);
        }
    }
}
