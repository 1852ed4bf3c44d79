using Netmap.Bpf.Filters;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap;

/// <summary>A file of an engine in this process: syncs run on the caller's thread.</summary>
internal sealed unsafe class LocalPortFile : IPortFile
{
    private readonly NetmapFile _file;
    private readonly AsyncWait _wait;

    public LocalPortFile(Engine engine)
    {
        _file = engine.Open();
        _wait = new AsyncWait(new FileLook(_file), () => engine.Poller);
    }

    public bool IsBound => _file.Registration is not null;

    private Registration Bound => _file.Registration ?? throw new ObjectDisposedException(nameof(NetmapPort));

    public void Filter(string? expression, string name) =>
        _file.Filter = expression is null ? null : FrameFilter.Compile(expression, name);

    public void Share(string? users, string? owner, string name) => _file.Share(users ?? "", owner ?? "", name);

    public void Control(nmreq_header* header, string name, LentDescriptor? lent = null)
    {
        Errno refused = _file.Ioctl(NetmapH.NIOCCTRL, (ulong)header, CallerMemory.Own with { Lent = lent });
        if (refused != Errno.Success)
            throw _file.LastRefusal ?? new NetmapException(refused, "open", name, "the request was refused");
    }

    public PortRings Rings(in nmreq_register granted) => RingViews.Of(Bound);

    public PortInfo Info(string name) => PortReport.Info(name, Bound.Adapter);

    public PortStatistics Statistics() => PortReport.Statistics(Bound.Adapter, _file.Engine.Options.Clock);

    public Errno TxSync() => _file.TxSync();

    public Errno RxSync() => _file.RxSync();

    public short Poll(short events, TimeSpan timeout, CancellationToken cancellation) =>
        _file.Poller.Poll(events, timeout, cancellation);

    public ValueTask<short> WaitAsync(short events, CancellationToken cancellation) => _wait.Start(events, cancellation);

    public void Dispose() => _file.Close();
}
