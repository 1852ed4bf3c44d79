namespace Netmap.Memory;

/// <content>Which programs have the region, and so can fill slots in it.</content>
internal sealed unsafe partial class NetmapMemory
{
    private ClientProcess? _only;
    private bool _shared;

    /// <summary>Other programs may have mapped it, whatever this engine hands out.</summary>
    public bool IsLent { get; private init; }

    /// <summary>
    /// Whether this process is the only one that was given the region. It stays so until another one is given it: asked after a slot was
    /// read, it says that the slot is the process's own.
    /// </summary>
    public bool IsOnly(ClientProcess process) => Volatile.Read(ref _only) == process;

    /// <summary>
    /// Before a program is given the region. The second one makes it shared for good: no one takes a mapping away again.
    /// </summary>
    /// <param name="process">Null for one that is not known for certain.</param>
    public void GiveTo(ClientProcess? process)
    {
        lock (_lock)
        {
            if (_shared || (process is not null && process == _only))
                return;
            ClientProcess? before = _only;
            _shared = before is not null || process is null;
            Volatile.Write(ref _only, _shared ? null : process!.Keep());
            before?.Release();
        }
    }

    /// <summary>The region goes.</summary>
    private void ForgetPrograms()
    {
        _only?.Release();
        Volatile.Write(ref _only, null);
        _shared = true;
    }
}
