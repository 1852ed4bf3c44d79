using System.Runtime.InteropServices;
using Netmap.Bpf;
using Netmap.Devices.Xdp;
using Netmap.Devices.Xdp.Gear;
using Netmap.Interop;
using Netmap.Links;
using Netmap.Memory;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Tests.Netns.Devices;

/// <summary>The fast paths alone, without an adapter: v0 sends through <see cref="GearTx"/>, v1 receives through <see cref="GearRx"/>.</summary>
internal sealed unsafe class GearLab : IDisposable
{
    private const int UmemBytes = 8192;

    /// <summary>Buffers 2 to 257 are given for receiving, those behind them hold frames that are sent.</summary>
    private const int BufferSize = 2048;
    private const int Given = 256;
    private const int FirstSent = 2 + Given;
    private const int Buffers = 1024;

    private readonly List<IDisposable> _owned = [];
    private readonly void* _umem = NativeMemory.AlignedAlloc(UmemBytes, (nuint)Environment.SystemPageSize);

    private readonly GearPool? _pool;
    private int _sent;

    /// <param name="rings">Of each side; with a pool, 1.</param>
    /// <param name="receive">v1 has the receiving program.</param>
    /// <param name="pooled">Frames lie in netmap's memory, where the programs reach it.</param>
    /// <param name="mayBePartial">v1's program judges checksums.</param>
    public GearLab(int rings = 1, bool receive = true, bool pooled = false, bool mayBePartial = false)
    {
        Privileges.RequireBpf();
        Veth = new VethLab(new LinkOptions { Queues = rings });
        _owned.Add(Veth);
        _pool = pooled ? MakePool() : null;
        Tx = Veth.Left.Run(() => new GearTx(rings, _pool, Index(Veth.Left, "v0"), "v0"));
        Rx = new GearRx(rings, fragmented: false, mayBePartial, _pool, "v1");
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
        if (!tx.HasRoom(frame.Length) || tx.Added == Buffers - FirstSent)
            Flush(ring);
        if (tx.TakesDirect(frame.Length))
        {
            byte* buffer = _pool!.Start((uint)(FirstSent + (_sent++ % (Buffers - FirstSent))));
            frame.CopyTo(new Span<byte>(buffer, frame.Length));
            tx.AddDirect(buffer, frame.Length);
            return;
        }
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
        if (!Rx.Ring(queue).TryPeek(out GearFrame frame))
            return null;
        Suspected = frame.IsSuspect;
        Placed += frame.Buffer == 0 ? 0 : 1;
        byte[] copy = new ReadOnlySpan<byte>(frame.Data, frame.Length).ToArray();
        Rx.Ring(queue).Advance(frame);
        if (frame.Buffer != 0)
            Rx.Ring(queue).Give(frame.Buffer);
        return copy;
    }

    /// <summary>Gives the buffers for receiving; not before, so that a test may see what comes without.</summary>
    public void Give()
    {
        for (uint i = 0; i < Given; i++)
            Rx.Ring(0).Give(2 + i);
    }

    /// <summary>Frames taken that came in a buffer.</summary>
    public int Placed { get; private set; }

    /// <summary>What the program thinks of the last frame's checksum.</summary>
    public bool Suspected { get; private set; }

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

    private unsafe GearPool MakePool()
    {
        const int Bytes = Buffers * BufferSize;
        SharedRegion region = SharedRegion.OfArray(GearPool.TryMake(Bytes)!, Bytes);
        _owned.Add(region);
        return new(region.Descriptor, (nint)region.Address, Bytes, 0, BufferSize, Buffers);
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
