using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Netmap.Adapters;
using Netmap.Cli.LoadBalancer;

namespace Netmap.Tests.Netns.Tools;

/// <summary><c>netmap lb</c> on a wire whose other end is a real kernel.</summary>
public sealed class LbTests
{
    private const int Flows = 40;
    private const int PerFlow = 100;

    [Fact]
    public async Task FlowsStayTogetherInOrderAndWaitForTheirReaders()
    {
        Privileges.RequireBpf();
        using MiddleLab lab = new();
        using NetmapEngine engine = new();
        using CancellationTokenSource stop = new();
        lab.Left.AddNeighbor("v0", "10.9.0.2", "02:00:00:00:00:02");
        LbOptions options = new() { Port = "netmap:m0", Groups = [new("m0", 0, 2), new("m0", 2, 1)], ExtraBuffers = 6000, Json = true };
        Task<int> running = Task.Factory.StartNew(() => lab.Middle.Run(() => new LbRun(options, engine).Execute(stop.Token)), TaskCreationOptions.LongRunning);
        lab.WaitUntilTaken(1);
        Assert.True(SpinWait.SpinUntil(() => Pipes(lab, engine) == 3, VethLab.Soon), "lb never had its pipes");
        SendFlows(lab);
        // Only now do the readers come: what the pipes could not hold has waited.
        NetmapPort[] readers = [.. Enumerable.Range(0, 3).Select(i => lab.Middle.Run(() => NetmapPort.Open($"netmap:m0}}{i}", new() { ReceiveOnly = true }, engine)))];
        Dictionary<(int Reader, int Flow), List<int>> got = ReadAll(readers);
        foreach (NetmapPort reader in readers)
            reader.Dispose();
        stop.Cancel();
        Assert.Equal(0, await running.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.All(got.Values, numbers => Assert.Equal(Enumerable.Range(0, PerFlow), numbers));
        Assert.Equal(Flows, got.Keys.Count(key => key.Reader < 2));
        Assert.Equal(Flows, got.Keys.Count(key => key.Reader == 2));
        Assert.All([0, 1], reader => Assert.Contains(got.Keys, key => key.Reader == reader));
    }

    /// <summary>Pipes on the port: lb makes them when it has the port, and then begins.</summary>
    private static int Pipes(MiddleLab lab, NetmapEngine engine) => lab.Middle.Run(() =>
    {
        lock (engine.Core.ControlLock)
        {
            NetmapAdapter adapter = engine.Core.Acquire(engine.Core.Own, "m0");
            int pipes = adapter.Pipes.Count;
            engine.Core.Release(adapter);
            return pipes;
        }
    });

    private static void SendFlows(MiddleLab lab)
    {
        Socket[] sockets = [.. Enumerable.Range(0, Flows).Select(_ => lab.Left.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)))];
        byte[] message = new byte[18];
        for (int i = 0; i < Flows; i++)
            sockets[i].Bind(new IPEndPoint(IPAddress.Any, 20000 + i));
        for (int number = 0; number < PerFlow; number++)
        {
            BinaryPrimitives.WriteInt32BigEndian(message, number);
            foreach (Socket socket in sockets)
                socket.SendTo(message, new IPEndPoint(IPAddress.Parse("10.9.0.2"), 5000));
            Thread.Sleep(1);
        }
        foreach (Socket socket in sockets)
            socket.Dispose();
    }

    /// <summary>Until every group has seen every frame, or nothing comes any more.</summary>
    private static Dictionary<(int Reader, int Flow), List<int>> ReadAll(NetmapPort[] readers)
    {
        Dictionary<(int Reader, int Flow), List<int>> got = [];
        int left = 2 * Flows * PerFlow;
        for (int silence = 0; left > 0 && silence < 3000; silence++)
        {
            for (int i = 0; i < readers.Length; i++)
            {
                readers[i].RxSync();
                foreach (RxFrame frame in readers[i].RxRings[0])
                {
                    if (frame.Length < 46 || frame.Data[12] != 8 || frame.Data[13] != 0)
                        continue;
                    (int, int) key = (i, BinaryPrimitives.ReadUInt16BigEndian(frame.Data[34..]));
                    if (!got.TryGetValue(key, out List<int>? numbers))
                        got.Add(key, numbers = []);
                    numbers.Add(BinaryPrimitives.ReadInt32BigEndian(frame.Data[42..]));
                    left--;
                    silence = 0;
                }
                readers[i].RxSync();
            }
            Thread.Sleep(1);
        }
        return got;
    }
}
