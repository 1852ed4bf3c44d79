namespace Netmap.Links;

/// <summary>
/// A network namespace, held by a descriptor: it vanishes with the last process, socket or descriptor that uses it.
/// Source: network_namespaces(7).
/// </summary>
public sealed class NetworkNamespace : IDisposable
{
    private NetworkNamespace()
    {
    }

    /// <summary>A new, empty namespace with its loopback up.</summary>
    /// <exception cref="NetmapException">EPERM without CAP_SYS_ADMIN.</exception>
    public static NetworkNamespace Create() => throw new NotSupportedException();

    /// <summary>The calling thread's namespace.</summary>
    public static NetworkNamespace Current() => throw new NotSupportedException();

    /// <summary>Runs <paramref name="work"/> on a thread of its own inside the namespace; child processes started there live there.</summary>
    public T Run<T>(Func<T> work) => throw new NotSupportedException();

    /// <inheritdoc cref="Run{T}"/>
    public void Run(Action work) => throw new NotSupportedException();

    /// <summary>Creates a veth pair, one end here and one in <paramref name="peerNamespace"/> (here when null). Both ends are down.</summary>
    public void CreateVeth(string name, string peer, NetworkNamespace? peerNamespace = null, LinkOptions? options = null) =>
        throw new NotSupportedException();

    /// <summary>Sets the interface up or down.</summary>
    public void SetUp(string name, bool up = true) => throw new NotSupportedException();

    /// <summary>Sets the MTU in bytes.</summary>
    public void SetMtu(string name, int mtu) => throw new NotSupportedException();

    /// <summary>Renames the interface.</summary>
    public void Rename(string name, string newName) => throw new NotSupportedException();

    /// <summary>Adds an IPv4 or IPv6 address, <c>10.0.0.1/24</c>.</summary>
    public void AddAddress(string name, string addressWithPrefix) => throw new NotSupportedException();

    /// <summary>Deletes the interface; of a veth, both ends.</summary>
    public void Delete(string name) => throw new NotSupportedException();

    /// <summary>Switches an offload of the interface (ethtool): <c>tx-checksum</c>, <c>tso</c>, <c>gso</c>, <c>gro</c>, <c>rx-vlan</c>, <c>tx-vlan</c>.</summary>
    public void SetOffload(string name, string offload, bool on) => throw new NotSupportedException();

    /// <summary>Frames and bytes the kernel counted on the interface.</summary>
    public LinkCounters GetCounters(string name) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Dispose() => throw new NotSupportedException();
}

/// <summary>Counters of a kernel interface (IFLA_STATS64).</summary>
public readonly record struct LinkCounters(long RxPackets, long TxPackets, long RxBytes, long TxBytes, long RxDropped, long TxDropped);

/// <summary>How to make an interface.</summary>
public sealed record LinkOptions
{
    /// <summary>TX and RX queues, each end.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>Payload bytes.</summary>
    public int Mtu { get; init; } = 1500;
}
