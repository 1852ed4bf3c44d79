using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Tests.Netns.Native;

/// <summary>Programs that write nonsense into their rings, or misuse the descriptor of netmap's memory, while its buffers are the fast gear's.</summary>
public sealed unsafe class NativeHostileTests
{
    private const byte Canary = 0xa5;
    private const int BpfMapFreeze = 22;

    public NativeHostileTests() => Privileges.RequireBpf();

    /// <summary>
    /// The engine stays within the buffers that slots may name, throws nothing, frees nobody else's at the end, and the next
    /// opening is as the first.
    /// </summary>
    [Theory]
    [InlineData(NativeGear.Fast)]
    [InlineData(NativeGear.Auto)]
    public void AScribblerHarmsNobodyElse(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear, mtu: 3000);
        using RawPort pipe = new(lab.Engine);
        using (RawPort left = new(lab.Engine))
        {
            using RawPort right = new(lab.Engine);
            lab.Left.Run(() => Assert.Equal(Errno.Success, left.Bind("v0")));
            lab.Right.Run(() => Assert.Equal(Errno.Success, right.Bind("v1")));
            Assert.True(left.Memory.Region.IsArray);
            // Buffers are taken from the lowest on: those of the scribbler's ports are below it, the spare ones among them.
            uint first = (uint)(left.Memory.BufferCount - left.Memory.Available.Buffers);
            Assert.Equal(Errno.Success, pipe.Bind("x{1", memory: 1));
            Span<byte> others = new(left.Memory.Buffers + ((long)first * left.Memory.BufferSize), (int)(left.Memory.BufferCount - first) * left.Memory.BufferSize);
            others.Fill(Canary);
            using (new Scribbler(left.Tx(), right.Rx()) { Buffer = random => Index(random, first) }.Start())
                Run(left, right);
            Assert.False(others.ContainsAnyExcept(Canary));
            Assert.False(new Span<byte>(left.Memory.Buffers, left.Memory.BufferSize).ContainsAnyExcept((byte)0));
            MendedRingsWork(left, right);
        }
        Assert.Equal([], OthersFreed(pipe));
        pipe.Dispose();
        using NetmapPort from = lab.OpenLeft();
        using NetmapPort to = lab.OpenRight();
        TestFrame.Cross(from, to, 2000);
    }

    /// <summary>
    /// Who has the descriptor can write the memory, as he could anyway, and that is all: it cannot be frozen (the engine has it mapped
    /// for writing), shortened, or have its entry taken away.
    /// </summary>
    [Fact]
    public void TheArraysDescriptorIsNoHandleOnTheEngine()
    {
        using NativePair pair = new(NativeGear.Fast);
        int array = pair.Lab.Engine.Core.Memories.Global.Region.Descriptor;
        Assert.True(pair.Lab.Engine.Core.Memories.Global.Region.IsArray);
        uint key = 0;
        bpf_attr_map_elem element = new() { map_fd = (uint)array, key = (ulong)&key };
        Assert.Equal(Errno.EBUSY, LinuxBpf.bpf(BpfMapFreeze, &element, sizeof(uint)).Errno);
        Assert.Equal(Errno.EINVAL, LinuxBpf.bpf(LinuxBpf.BPF_MAP_DELETE_ELEM, &element, (uint)sizeof(bpf_attr_map_elem)).Errno);
        Assert.True(Unistd.ftruncate(array, 0).IsError);
        TestFrame.Cross(pair.Left, pair.Right, 2000);
    }

    private static void Run(RawPort left, RawPort right)
    {
        KRing tx = left.File.Registration!.TxRings[0];
        KRing rx = right.File.Registration!.RxRings[0];
        Random random = new(11);
        // Most are lost: to nonsense in the slots they were sent from, or were to come into.
        int goal = NativeLab.Repetitions("NETMAP_HOSTILE_FRAMES", 800);
        for (long round = 0; rx.Counters.Packets < goal; round++)
        {
            Scribbler.Move(left.Tx(), tx.SlotCount, (uint)random.Next(200));
            left.TxSync();
            right.RxSync();
            Scribbler.Move(right.Rx(), rx.SlotCount, rx.SlotCount);
            if (round % 64 == 0)
                right.Poll(Poll.POLLIN | Poll.POLLOUT);
        }
        Assert.True(tx.Counters.FastPackets > 0 && rx.Counters.FastPackets > 0);
    }

    /// <summary>
    /// With sane slots all is well again, once the spare buffers that came of the scribbling, some of them twice, have come back into
    /// slots and been mended there.
    /// </summary>
    private static void MendedRingsWork(RawPort left, RawPort right)
    {
        KRing tx = left.File.Registration!.TxRings[0];
        KRing rx = right.File.Registration!.RxRings[0];
        Mend(left.Tx(), tx, NativeLab.Buffers - tx.SlotCount);
        uint clean = NativeLab.Buffers - tx.SlotCount;
        byte[][] frames = [];
        for (int pass = 0; pass < 3; pass++)
        {
            Mend(right.Rx(), rx, clean -= rx.SlotCount);
            left.Send(frames);
            List<byte[]> got = right.Receive();
            if (pass == 2)
                Traffic.AssertSame(frames, got);
            // In the first pass what is left from before; none of that must go round the ring after the next one.
            while (right.Receive().Count > 0)
            {
            }
            frames = [.. Enumerable.Range(0, 600).Select(TestFrame.Varied)];
        }
    }

    private static void Mend(netmap_ring* ring, KRing kring, uint buffer)
    {
        for (uint i = 0; i < kring.SlotCount; i++)
            RawPort.Slots(ring)[i] = new() { buf_idx = buffer + i };
        ring->cur = kring.RHead;
        ring->head = kring.RHead;
    }

    /// <summary>Buffers of the port's slots that the memory would hand out again.</summary>
    private static List<uint> OthersFreed(RawPort port)
    {
        HashSet<uint> own = [];
        foreach (nint ring in (nint[])[(nint)port.Tx(), (nint)port.Rx()])
        {
            for (uint i = 0; i < ((netmap_ring*)ring)->num_slots; i++)
                own.Add(RawPort.Slots((netmap_ring*)ring)[i].buf_idx);
        }
        List<uint> free = [];
        while (port.Memory.TryTakeBuffer(out uint buffer))
            free.Add(buffer);
        return [.. free.Where(own.Contains)];
    }

    private static uint Index(Random random, uint end) => random.Next(4) switch
    {
        0 => (uint)random.Next(2),
        1 => NativeLab.Buffers + (uint)random.Next(),
        2 => uint.MaxValue,
        _ => 2 + (uint)random.Next((int)end - 2),
    };
}
