using Netmap.Interop;

namespace Netmap.Control;

/// <summary>
/// How an asynchronous wait looks at a file, this process's or a server's: look, and if nothing is there sleep on descriptors
/// until it is worth looking again.
/// </summary>
internal interface IAsyncLook
{
    /// <summary>Descriptors a sleep may need.</summary>
    int MaxDescriptors { get; }

    /// <summary>Before the first look that arms; false when the file is closed.</summary>
    bool Begin();

    /// <summary>After the last one.</summary>
    void End();

    /// <summary>Syncs as poll(2) does; <paramref name="arm"/>: news that come after it end the sleep.</summary>
    /// <returns>poll(2) bits; POLLERR on an unbound or closed file.</returns>
    short Look(short events, bool arm);

    /// <summary>As <see cref="Poller.PrepareSleep"/>.</summary>
    int PrepareSleep(Span<pollfd> descriptors, short events, ref TimeSpan left);
}

/// <summary>A file of this process's engine.</summary>
internal sealed class FileLook(NetmapFile file) : IAsyncLook
{
    private Bell? _bell;

    public int MaxDescriptors => file.Poller.MaxDescriptors;

    public bool Begin() => (_bell = file.Bells.Rent()) is not null;

    public void End() => file.Bells.Return(_bell!);

    public short Look(short events, bool arm)
    {
        if (!arm)
            return file.Poller.Look(events, null);
        _bell!.Drain();
        return file.Poller.Look(events, _bell);
    }

    public int PrepareSleep(Span<pollfd> descriptors, short events, ref TimeSpan left) =>
        file.Poller.PrepareSleep(_bell!, descriptors, events, ref left);
}
