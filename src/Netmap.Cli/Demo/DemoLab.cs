using Netmap.Links;

namespace Netmap.Cli.Demo;

/// <summary>Where the demo runs: two namespaces joined by a veth pair, or where that is not allowed a wire in memory.</summary>
internal sealed class DemoLab : IDisposable
{
    public const string LeftAddress = "10.77.0.1";
    public const string RightAddress = "10.77.0.2";

    private readonly NetworkNamespace? _left;
    private readonly NetworkNamespace? _right;

    public DemoLab()
    {
        try
        {
            _left = NetworkNamespace.Create();
            _right = NetworkNamespace.Create();
            _left.CreateVeth("demo0", "demo1", _right);
            _left.DisableIpv6("demo0");
            _right.DisableIpv6("demo1");
            _left.SetUp("demo0");
            _right.SetUp("demo1");
            _right.AddAddress("demo1", RightAddress + "/24");
        }
        catch (NetmapException e)
        {
            _left?.Dispose();
            _right?.Dispose();
            (_left, _right) = (null, null);
            Note = $"in-memory devices, no ping from a kernel socket: {e.Message}";
            Engine.AddMemoryPair("demo0", "demo1");
        }
    }

    public NetmapEngine Engine { get; } = new();

    /// <summary>What was left out, and why; empty when nothing was.</summary>
    public string Note { get; } = "";

    public bool HasKernel => _left is not null;

    public NetmapPort OpenLeft() => InLeft(() => NetmapPort.Open("netmap:demo0", engine: Engine));

    public NetmapPort OpenRight() => InRight(() => NetmapPort.Open("netmap:demo1", engine: Engine));

    public T InRight<T>(Func<T> work) => _right is null ? work() : _right.Run(work);

    /// <summary>Frames the kernel itself dropped on the wire, both ends.</summary>
    public long WireDrops()
    {
        if (_left is null || _right is null)
            return 0;
        (LinkCounters left, LinkCounters right) = (_left.GetCounters("demo0"), _right.GetCounters("demo1"));
        return left.RxDropped + left.TxDropped + right.RxDropped + right.TxDropped;
    }

    public void Dispose()
    {
        Engine.Dispose();
        _left?.Dispose();
        _right?.Dispose();
    }

    private T InLeft<T>(Func<T> work) => _left is null ? work() : _left.Run(work);
}
