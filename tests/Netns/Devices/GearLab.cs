using System.Runtime.InteropServices;
using Netmap.Bpf;
using Netmap.Devices.Xdp;
using Netmap.Devices.Xdp.Gear;
using Netmap.Interop;
using Netmap.Links;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Tests.Netns.Devices;

/// <summary>The fast paths alone, without an adapter: v0 sends through <see cref="GearTx"/>, v1 receives through <see cref="GearRx"/>.</summary>
internal sealed unsafe class GearLab : IDisposable
{
    private const int UmemBytes = 8192;

    private readonly List<IDisposable> _owned = [];
    private readonly void* _umem = NativeMemory.AlignedAlloc(UmemBytes, (nuint)Environment.SystemPageSize);

    public GearLab(int rings = 1, bool receive = true)
    {
        Privileges.RequireBpf();
        Veth = new VethLab(new LinkOptions { Queues = rings });
        _owned.Add(Veth);
        Tx = Veth.Left.Run(() => new GearTx(rings, Index(Veth.Left, "v0"), "v0"));
        Rx = new GearRx(rings, fragmented: false, "v1");
        _owned.AddRange([Tx, Rx]);
        BpfAssembler send = new BpfAssembler().Move(R6, R1);
        Tx.Emit(send);
        Sender = Tx.Program = Attach(Veth.Left, "v0", send);
        BpfMap sockets = BpfMap.Create("netmap_xsks", BpfMapSpec.XdpSockets(rings), "v1");
        _owned.Add(sockets);
        BpfAssembler take = new BpfAssembler().Move(R6, R1);
        Rx.Emit(take, sockets);
        if (receive)
            Receiver = Attach(Veth.Right, "v1", take);
        OpenRings(rings, sockets);
    }

    public VethLab Veth { get; }

    public GearTx Tx { get; }

    public GearRx Rx { get; }

    public BpfProgram Sender { get; }

    public BpfProgram? Receiver { get; }

    public static int Index(NetworkNamespace space, string name) => space.List().Single(link => link.Name == name).Index;

    /// <summary>Adds a frame; sends what is there first when there is no room.</summary>
    public void Send(int ring, ReadOnlySpan<byte> frame)
    {
        GearTxRing tx = Tx.Ring(ring);
        if (!tx.HasRoom(frame.Length))
            Flush(ring);
        frame.CopyTo(new Span<byte>(tx.Place, frame.Length));
        tx.Add(frame.Length);
    }

    public void Flush(int ring)
    {
        int added = Tx.Ring(ring).Added;
        Assert.Equal((added, Errno.Success), (Tx.Ring(ring).Send(out Errno error), error));
    }

    /// <summary>The next received frame, or null.</summary>
    public byte[]? Take(int queue = 0)
    {
        if (!Rx.Ring(queue).TryPeek(out byte* frame, out int length))
            return null;
        byte[] copy = new ReadOnlySpan<byte>(frame, length).ToArray();
        Rx.Ring(queue).Advance(length);
        return copy;
    }

    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
        NativeMemory.AlignedFree(_umem);
    }

    /// <summary>Each ring's bell is a socket with as few descriptors as may be.</summary>
    private void OpenRings(int rings, BpfMap sockets)
    {
        XskSetup setup = new()
        {
            InterfaceIndex = Index(Veth.Right, "v1"),
            Queue = 0,
            Memory = new((nint)_umem, UmemBytes, UmemArea.SmallestChunk, Unaligned: false),
            TxEntries = 1,
            RxEntries = 1,
        };
        for (int i = 0; i < rings; i++)
        {
            XskSocket socket = Veth.Right.Run(() => XskSocket.TryOpen(setup, out _, out _))!;
            setup = setup with { Queue = i + 1, SharedWith = setup.SharedWith ?? socket };
            _owned.Add(socket);
            Assert.Equal(Errno.Success, sockets.Update((uint)i, socket.Fd));
            Rx.Ring(i).Open(new GearRxBell(socket, UmemArea.SmallestChunk));
        }
    }

    private BpfProgram Attach(NetworkNamespace space, string name, BpfAssembler code)
    {
        BpfProgram program = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, code.Exit(LinuxBpf.XDP_PASS).Instructions, "netmap_gear", name);
        _owned.Add(program);
        int index = Index(space, name);
        _owned.Add(space.Run(() => BpfLink.TryAttach(LinuxBpf.BPF_XDP, index, program, out _))!);
        return program;
    }
}
