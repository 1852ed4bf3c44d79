namespace Netmap;

/// <summary>What stands behind a ring of an interface that is open.</summary>
public sealed record PortQueue
{
    /// <summary><c>tx</c> or <c>rx</c>.</summary>
    public required string Direction { get; init; }

    /// <summary>Number of the ring, from 0.</summary>
    public required int Ring { get; init; }

    /// <summary>Queue of the interface; null where the kernel chooses, or deals frames out to sockets by the queue they came from.</summary>
    public required int? Queue { get; init; }

    /// <summary>Inode of the socket, as <c>ss -0</c> and <c>ss --xdp</c> show it; 0 where it cannot be told.</summary>
    public required long Socket { get; init; }

    /// <summary>Kind of socket and mode, such as <c>XDP, copy</c> or <c>packet</c>.</summary>
    public required string Mode { get; init; }
}

/// <summary>An eBPF program of a port, in the kernel.</summary>
public sealed record PortProgram
{
    /// <summary>
    /// Where it is attached. On the interface: <c>xdp</c>, <c>xdp (skb)</c>, <c>tcx ingress</c>, <c>tcx egress</c>. Of the fast
    /// gear: <c>xdp (skb), private loopback</c> sends, <c>tracepoint</c> and its name counts losses.
    /// </summary>
    public required string Hook { get; init; }

    /// <summary>The kernel's number of the program, as <c>bpftool prog</c> shows it.</summary>
    public required uint ProgramId { get; init; }

    /// <summary>The kernel's number of the link that holds it, as <c>bpftool link</c> shows it.</summary>
    public required uint LinkId { get; init; }
}
