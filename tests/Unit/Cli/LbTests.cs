using System.Buffers.Binary;
using Netmap.Cli.Common;
using Netmap.Cli.LoadBalancer;

namespace Netmap.Tests.Unit.Cli;

/// <summary>The load balancer, step by step over a wire in memory.</summary>
public sealed class LbTests : IDisposable
{
    private readonly NetmapEngine _engine = new(new NetmapEngineOptions { BufferCount = 30000 });

    public LbTests() => _engine.AddMemoryPair("in", "wire", new() { Slots = 256, Mtu = 1500 });

    public void Dispose() => _engine.Dispose();

    [Fact]
    public void FlowsStayTogetherAndCountsAddUp()
    {
        using Bench bench = new(_engine, 0, 3);
        Dictionary<int, HashSet<int>> pipesOfFlow = [];
        int received = 0;
        for (int round = 0; round < 40; round++)
        {
            bench.Send(Enumerable.Range(0, 100).Select(i => Frame(flow: i % 50, back: round % 2 == 1, number: i)));
            bench.Balancer.TakeIn(1000);
            bench.Balancer.Turn();
            for (int pipe = 0; pipe < 3; pipe++)
            {
                foreach (byte[] frame in bench.Read(pipe))
                {
                    int flow = Flow(frame);
                    if (!pipesOfFlow.TryGetValue(flow, out HashSet<int>? pipes))
                        pipesOfFlow.Add(flow, pipes = []);
                    pipes.Add(pipe);
                    received++;
                }
            }
            bench.Balancer.Turn();
        }
        Assert.Equal((4000, 4000L), (received, bench.Balancer.Received));
        Assert.Equal(50, pipesOfFlow.Count);
        Assert.All(pipesOfFlow.Values, pipes => Assert.Single(pipes));
        Assert.All(bench.Balancer.Outputs, output => Assert.True(output.Packets > 0));
        Assert.Equal((4000, 0), (bench.Balancer.Outputs.Sum(o => o.Packets), bench.Balancer.Outputs.Sum(o => o.Dropped)));
        Assert.Equal(0, bench.Balancer.NotIp);
    }

    [Fact]
    public void FramesWaitWhereAPipeIsFullAndArriveInOrder()
    {
        using Bench bench = new(_engine, 300, 1);
        int sent = 0;
        for (int round = 0; round < 6; round++)
        {
            bench.Send(Enumerable.Range(0, 90).Select(_ => Frame(1, false, sent++)));
            bench.Balancer.TakeIn(1000);
            bench.Balancer.Turn();
        }
        OutputPipe output = bench.Balancer.Outputs[0];
        Assert.Equal((255L, 285, 15, 0L), (output.Packets, output.Waiting, bench.Balancer.FreeBuffers, output.Dropped));
        Assert.True(bench.Balancer.HasWork);
        List<byte[]> got = bench.Read(0);
        while (got.Count < sent)
        {
            bench.Balancer.Turn();
            List<byte[]> more = bench.Read(0);
            Assert.NotEmpty(more);
            got.AddRange(more);
        }
        Assert.Equal(Enumerable.Range(0, sent), got.Select(Number));
        Assert.Equal((0, 300), (output.Waiting, bench.Balancer.FreeBuffers));
    }

    [Fact]
    public void WithoutBuffersTheOldestOfTheLongestQueueAreLost()
    {
        using Bench bench = new(_engine, 100, 1);
        int sent = 0;
        for (int round = 0; round < 6; round++)
        {
            bench.Send(Enumerable.Range(0, 90).Select(_ => Frame(1, false, sent++)));
            bench.Balancer.TakeIn(1000);
        }
        OutputPipe output = bench.Balancer.Outputs[0];
        Assert.Equal((255L, 100, 0), (output.Packets, output.Waiting, bench.Balancer.FreeBuffers));
        Assert.Equal(bench.Balancer.Received, output.Packets + output.Waiting + output.Dropped);
        bench.Balancer.End();
        Assert.Equal(bench.Balancer.Received, output.Packets + output.Dropped);
    }

    [Fact]
    public void EveryGroupSeesEveryFrame()
    {
        using Bench bench = new(_engine, 200, 2, 3, 1);
        int sent = 0;
        List<byte[]>[] got = [[], [], [], [], [], []];
        for (int round = 0; round < 200; round++)
        {
            int count = round < 100 ? 25 : 0;
            bench.Send(Enumerable.Range(0, count).Select(i => Frame(i, false, sent++)));
            bench.Balancer.TakeIn(1000);
            bench.Balancer.Turn();
            // One reader after the other, so that some are behind.
            got[round % 6].AddRange(bench.Read(round % 6));
        }
        for (int group = 0, first = 0; group < 3; first += new[] { 2, 3, 1 }[group++])
        {
            int end = first + new[] { 2, 3, 1 }[group];
            int[] numbers = [.. got[first..end].SelectMany(list => list).Select(Number).Order()];
            Assert.Equal(Enumerable.Range(0, sent), numbers);
        }
        Assert.Equal(200, bench.Balancer.FreeBuffers);
        Assert.Equal((sent * 3, 0), (bench.Balancer.Outputs.Sum(o => o.Packets), bench.Balancer.Outputs.Sum(o => o.Dropped)));
        Assert.False(bench.Balancer.HasWork);
    }

    [Fact]
    public void LongFramesStayWhole()
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { BufferSize = 512, BufferCount = 20000 });
        using Bench bench = new(engine, "vale9:in", "vale9:wire", 64, 2, 1);
        int sent = 0;
        List<byte[]>[] got = [[], [], []];
        for (int round = 0; round < 60; round++)
        {
            if (round < 40)
                bench.SendLong(Frame(round, false, sent++, 4000));
            bench.Balancer.TakeIn(1000);
            bench.Balancer.Turn();
            for (int pipe = 0; pipe < 3; pipe++)
                got[pipe].AddRange(bench.Read(pipe));
        }
        Assert.Equal(Enumerable.Range(0, sent), got[0].Concat(got[1]).Select(Number).Order());
        Assert.Equal(Enumerable.Range(0, sent), got[2].Select(Number));
        Assert.All(got.SelectMany(list => list), frame => Assert.Equal(4000, frame.Length));
    }

    [Fact]
    public void NoBufferIsLost()
    {
        using NetmapPort holder = NetmapPort.Open("netmap:wire", engine: _engine);
        int before = Grantable();
        using (Bench bench = new(_engine, 150, 2, 1))
        {
            for (int round = 0; round < 20; round++)
            {
                bench.Send(Enumerable.Range(0, 90).Select(i => Frame(i, false, i)), holder);
                bench.Balancer.TakeIn(1000);
                bench.Balancer.Turn();
                if (round % 3 == 0)
                    bench.Read(round % 2);
            }
            Assert.NotEqual(0, bench.Balancer.Outputs.Sum(output => output.Waiting));
            bench.Balancer.End();
        }
        Assert.Equal(before, Grantable());
    }

    [Theory]
    [InlineData("-i eth0", "netmap:eth0", "eth0:0+2")]
    [InlineData("-i vale0:x -p 3", "vale0:x", "vale0:x:0+3")]
    [InlineData("-i netmap:eth0 -p 4 -p ids:2 -p 1", "netmap:eth0", "eth0:0+4 ids:0+2 eth0:4+1")]
    [InlineData("-i netmap:eth0-1/x -p vale1:p:8", "netmap:eth0-1/x", "vale1:p:0+8")]
    public void GroupsAreReadAsNetmapDoes(string words, string port, string groups)
    {
        LbOptions options = Read(words);
        Assert.Equal(port, options.Port);
        Assert.Equal(groups, string.Join(' ', options.Groups.Select(group => $"{group.Name}:{group.First}+{group.Count}")));
    }

    [Theory]
    [InlineData("-i e -B 17", "ExtraBuffers", "17")]
    [InlineData("-i e -b 7", "Burst", "7")]
    [InlineData("-i e -w 3", "Wait", "00:00:03")]
    [InlineData("-i e -W", "Busy", "True")]
    [InlineData("-i e -s 5", "Syslog", "00:00:05")]
    [InlineData("-i e -o 6", "Output", "00:00:06")]
    [InlineData("-i e --json", "Json", "True")]
    public void EachFlagSetsItsOption(string words, string property, string value) =>
        Assert.Equal(value, typeof(LbOptions).GetProperty(property)!.GetValue(Read(words))!.ToString());

    [Theory]
    [InlineData("-i e -p 0")]
    [InlineData("-i e -p x")]
    [InlineData("-i e -p a:65")]
    [InlineData("-i e -b 0")]
    [InlineData("-i e -B -1")]
    [InlineData("-i e -w 101")]
    public void NonsenseIsRefused(string words) => Assert.Throws<UsageException>(() => Read(words));

    private static LbOptions Read(string words) => LbCommand.Read(LbCommand.Create().Parse(words));

    private int Grantable()
    {
        using NetmapPort port = NetmapPort.Open("netmap:in", new() { ExtraBuffers = 1_000_000 }, _engine);
        return port.ExtraBufferCount;
    }

    /// <summary>UDP from or to a port that is the flow's number; behind the headers stands a number.</summary>
    private static byte[] Frame(int flow, bool back, int number, int length = 60)
    {
        byte[] frame = new byte[length];
        (frame[0], frame[6], frame[12], frame[14], frame[23]) = (2, 2, 8, 0x45, 17);
        frame[5] = 9;
        byte[] here = [10, 0, 0, 1];
        byte[] there = [10, 0, 0, 2];
        (back ? there : here).CopyTo(frame, 26);
        (back ? here : there).CopyTo(frame, 30);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(back ? 36 : 34), (ushort)flow);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(back ? 34 : 36), 5000);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(42), number);
        return frame;
    }

    private static int Flow(byte[] frame) => frame[29] == 1
        ? BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(34))
        : BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(36));

    private static int Number(byte[] frame) => BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(42));

    /// <summary>A balancer with pipes of 256 slots, their readers, and the sender at the other end of the wire.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly NetmapPort _port;
        private readonly NetmapPort _sender;
        private readonly List<NetmapPort> _all = [];
        private readonly List<NetmapPort> _readers = [];

        public Bench(NetmapEngine engine, int extra, params int[] groups)
            : this(engine, "netmap:in", "netmap:wire", extra, groups)
        {
        }

        public Bench(NetmapEngine engine, string port, string sender, int extra, params int[] groups)
        {
            _port = Keep(NetmapPort.Open(port, new() { ReceiveOnly = true, ExtraBuffers = extra > 0 ? extra + 1 : 0 }, engine));
            _sender = Keep(NetmapPort.Open(sender, engine: engine));
            int memory = _port.Info.MemoryId;
            int number = 0;
            Balancer = new Balancer(_port, [.. groups.Select(count => Enumerable.Range(0, count).Select(_ =>
            {
                NetmapPort pipe = Keep(NetmapPort.Open($"netmap:lbt{{{number}@conf:slots=256", new() { TransmitOnly = true, MemoryId = memory }, engine));
                _readers.Add(Keep(NetmapPort.Open($"netmap:lbt}}{number}", new() { ReceiveOnly = true }, engine)));
                return new OutputPipe(pipe, "lbt", number++, extra);
            }).ToArray())]);
        }

        public Balancer Balancer { get; }

        public void Send(IEnumerable<byte[]> frames, NetmapPort? by = null)
        {
            foreach (byte[] frame in frames)
                Assert.True((by ?? _sender).TxRings[0].TrySend(frame));
            (by ?? _sender).TxSync();
            _port.RxSync();
        }

        public void SendLong(ReadOnlySpan<byte> frame)
        {
            TxRing ring = _sender.TxRings[0];
            int slots = 0;
            for (int slot = ring.Head; frame.Length > 0; slot = ring.Next(slot), slots++)
            {
                int part = Math.Min(ring.BufferSize, frame.Length);
                frame[..part].CopyTo(ring.Buffer(slot));
                (ring[slot].Length, ring[slot].Flags) = ((ushort)part, part < frame.Length ? SlotFlags.MoreFragments : SlotFlags.None);
                frame = frame[part..];
            }
            ring.Advance(slots);
            _sender.TxSync();
            _port.RxSync();
        }

        public List<byte[]> Read(int pipe)
        {
            List<byte[]> frames = [];
            _readers[pipe].RxSync();
            foreach (RxFrame frame in _readers[pipe].RxRings[0])
            {
                byte[] bytes = new byte[frame.Length];
                frame.CopyTo(bytes);
                frames.Add(bytes);
            }
            _readers[pipe].RxSync();
            return frames;
        }

        public void Dispose() => _all.ForEach(port => port.Dispose());

        private NetmapPort Keep(NetmapPort port)
        {
            _all.Add(port);
            return port;
        }
    }
}
