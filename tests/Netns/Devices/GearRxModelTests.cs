using Netmap.Bpf;
using Netmap.Devices.Xdp.Gear;
using Netmap.Interop;
using Netmap.Memory;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Tests.Netns.Devices;

/// <summary>
/// The ring of records between the receiving program and its reader against a plain queue: frames of random lengths, places and
/// packed ones by turns, a reader that lags and keeps buffers back, round the ring's end many times.
/// </summary>
public sealed unsafe class GearRxModelTests : IDisposable
{
    private const int BufferSize = 2048;
    private const int Buffers = 600;
    private const int Bytes = Buffers * BufferSize;
    private const byte Canary = 0xa5;

    /// <summary>What GearRx gives a queue of few.</summary>
    private const int RingBytes = 2 << 20;

    private readonly SharedRegion _region;
    private readonly GearRx _rx;
    private readonly BpfMap _sockets;
    private readonly BpfProgram _program;
    private readonly Queue<byte[]> _model = new();
    private readonly Stack<uint> _spare = new();
    private readonly HashSet<uint> _given = [];
    private long _held;
    private int _placed;
    private int _packed;

    public GearRxModelTests()
    {
        Privileges.RequireBpf();
        _region = SharedRegion.OfArray(GearPool.TryMake(Bytes)!, Bytes);
        new Span<byte>(_region.Address, Bytes).Fill(Canary);
        _rx = new(1, fragmented: true, mayBePartial: false, new(_region.Descriptor, (nint)_region.Address, Bytes, 0, BufferSize, Buffers), "v0");
        _sockets = BpfMap.Create("netmap_xsks", BpfMapSpec.XdpSockets(1), "v0");
        BpfAssembler code = new BpfAssembler().Move(R6, R1);
        _rx.Emit(code, _sockets);
        _program = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, code.Exit(LinuxBpf.XDP_PASS).Instructions, "netmap_gear", "v0",
            LinuxBpf.BPF_F_XDP_HAS_FRAGS);
        // Nobody sleeps here, so nothing rings.
        _rx.Ring(0).Open(new GearRxBell(null!, 0));
        for (uint i = Buffers - 1; i >= 2; i--)
            _spare.Push(i);
    }

    private GearRxRing Ring => _rx.Ring(0);

    public void Dispose()
    {
        _program.Dispose();
        _sockets.Dispose();
        _rx.Dispose();
        _region.Dispose();
    }

    /// <param name="seed">Of lengths and turns.</param>
    /// <param name="longest">Frames beyond a buffer are packed; the longest reach far beyond the ring's end.</param>
    [Theory]
    [InlineData(1, 200)]
    [InlineData(2, 2300)]
    [InlineData(3, 60000)]
    public void RecordsAreAsInAPlainQueue(int seed, int longest)
    {
        Random random = new(seed);
        long written = 0;
        for (int number = 0; written < 6L * RingBytes || number < 6000;)
        {
            // Long phases in which the reader lags, so that the ring fills up, and such in which it empties it.
            bool lags = number / 1500 % 2 == 1;
            for (int burst = random.Next(1, 60); burst > 0; burst--)
                written += Put(Traffic.Packet(random.Next(2) == 0 ? random.Next(14, 130) : random.Next(14, longest), number++));
            Take(lags ? random.Next(10) : random.Next(120), random);
            for (int give = random.Next(40); give > 0 && _spare.TryPop(out uint buffer); give--)
                Give(buffer);
        }
        Take(int.MaxValue, random);
        Assert.Empty(_model);
        Assert.True(_placed > 1000 && _packed > 1000, $"{_placed} placed, {_packed} packed");
        Assert.False(new Span<byte>(_region.Address, 2 * BufferSize).ContainsAnyExcept(Canary));
    }

    /// <summary>A place and then a packed frame at every offset there is, up to the ring's end and beyond it.</summary>
    [Fact]
    public void APackedRecordBeginsALineWhereverPlacesEnd()
    {
        for (int places = 0; places < 9; places++)
        {
            for (int lap = 0; lap < (RingBytes / 4096) + 2; lap++)
            {
                for (int i = 0; i < places; i++)
                {
                    Give(_spare.Pop());
                    Put(Traffic.Packet(100, i));
                }
                Put(Traffic.Packet(4000, lap));
                Take(int.MaxValue, null);
            }
        }
        Assert.Equal(0, Ring.Overruns);
    }

    /// <summary>Bytes of the frame if it was taken.</summary>
    private int Put(byte[] frame)
    {
        long lost = Ring.Overruns;
        Assert.Equal(LinuxBpf.XDP_DROP, BpfTestRun.Run(_program, frame).Verdict);
        // A packed record with the rest of a line before it is the most a frame takes.
        int most = GearRecord.BytesOf(frame.Length) + GearRecord.Alignment;
        if (Ring.Overruns != lost)
        {
            Assert.True(_held + most > RingBytes, $"lost with {_held} bytes in the ring");
            return 0;
        }
        _model.Enqueue(frame);
        _held += most;
        return frame.Length;
    }

    private void Take(int count, Random? random)
    {
        for (; count > 0 && Ring.TryPeek(out GearFrame frame); count--)
        {
            byte[] expected = _model.Dequeue();
            _held -= GearRecord.BytesOf(expected.Length) + GearRecord.Alignment;
            Assert.True(new ReadOnlySpan<byte>(frame.Data, frame.Length).SequenceEqual(expected));
            if (frame.Buffer == 0)
                _packed++;
            else
            {
                _placed++;
                Assert.True(_given.Remove(frame.Buffer), $"buffer {frame.Buffer} was not given");
                _spare.Push(frame.Buffer);
            }
            Ring.Advance(frame);
            if (random?.Next(8) == 0)
                Ring.Release();
        }
        Ring.Release();
    }

    private void Give(uint buffer)
    {
        Assert.True(_given.Add(buffer));
        Ring.Give(buffer);
    }
}
