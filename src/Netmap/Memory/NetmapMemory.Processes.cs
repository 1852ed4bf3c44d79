namespace Netmap.Memory;

/// <content>Which programs have the region, and so can fill slots in it.</content>
internal sealed unsafe partial class NetmapMemory
{
    private ClientProcess? _only;
    private bool _shared;
    private List<ClientProcess>? _lenders;

    /// <summary>Other programs may have mapped it, whatever this engine hands out.</summary>
    public bool IsLent { get; private init; }

    /// <summary>
    /// Whether this process is the only one that was given the region. It stays so until another one is given it: asked after a slot was
    /// read, it says that the slot is the process's own.
    /// </summary>
    public bool IsOnly(ClientProcess process) => Volatile.Read(ref _only) == process;

    /// <summary>Another process than this one has been given the region.</summary>
    private bool IsGiven => _shared || (_only is { } program && program != ClientProcess.Own);

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

    /// <summary>A process that is not trusted has lent it: from now on only those that lent it are given its file, of which it may be a part.</summary>
    /// <param name="process">Null for one that is not known for certain: it is given nothing.</param>
    public void LentBy(ClientProcess? process)
    {
        lock (_lock)
        {
            _lenders ??= [];
            if (process is not null && !_lenders.Contains(process))
                _lenders.Add(process.Keep());
        }
    }

    /// <summary>Whether this process may have the region's file.</summary>
    public bool MayHave(ClientProcess? process)
    {
        lock (_lock)
            return _lenders is null || (process is not null && _lenders.Contains(process));
    }

    /// <summary>The region goes.</summary>
    private void ForgetPrograms()
    {
        _lenders?.ForEach(lender => lender.Release());
        _lenders?.Clear();
        _only?.Release();
        Volatile.Write(ref _only, null);
        _shared = true;
    }
}
