using System.Collections.Concurrent;
using CsCheck;

namespace Netmap.Tests.Model;

/// <summary>
/// Ports, pipe ends and monitors opened and closed in any order, with packets in them, from one thread and from several: no
/// fault, and no ring, buffer or interface object lost.
/// </summary>
public sealed class OpenCloseTests
{
    [Fact]
    public void NothingIsLostInAnyOrder() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, int.MaxValue - 1]).Array[1, 80].Sample(Run, iter: 300, threads: 1);

    [Fact]
    public void NothingIsLostWhenThreadsOpenUseAndClose()
    {
        using PortZoo zoo = new();
        ConcurrentBag<Exception> failures = [];
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(i => new Thread(() => OpenUseClose(zoo, i, failures)))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Empty(failures);
        zoo.AssertNothingLost();
    }

    /// <summary>Whoever closes a port need not be the thread that uses it.</summary>
    [Fact]
    public void APortMayBeClosedUnderItsUser()
    {
        using PortZoo zoo = new();
        ConcurrentBag<Exception> failures = [];
        string[] names = ["vale0:a", "vale0:b", "netmap:m0{1", "netmap:m0}1", "vale0:a/r", "vale0:b/z", "netmap:m0{1/zr", "netmap:m0}1/rt"];
        for (int round = 0; round < 150; round++)
        {
            List<NetmapPort> ports = [.. names.Select(name => NetmapPort.Open(name, new NetmapPortOptions { MemoryId = name.Contains('/') ? 0 : 1 }, zoo.Engine))];
            Thread[] users = [.. ports.Select(port => new Thread(() => UseUntilClosed(port, failures)))];
            foreach (Thread user in users)
                user.Start();
            foreach (int i in Enumerable.Range(0, ports.Count).OrderBy(_ => Random.Shared.Next()))
                ports[i].Dispose();
            foreach (Thread user in users)
                user.Join();
        }
        Assert.Empty(failures);
        zoo.AssertNothingLost();
    }

    private static void Run((int Op, int Seed)[] steps)
    {
        using PortZoo zoo = new();
        List<RawPort> open = [];
        foreach ((int op, int seed) in steps)
        {
            Random random = new(seed);
            if (op == 0 || open.Count == 0)
            {
                if (zoo.TryOpen(random) is { } port)
                    open.Add(port);
            }
            else if (op == 1)
            {
                PortZoo.Use(open[random.Next(open.Count)], random);
            }
            else
            {
                int at = random.Next(open.Count);
                open[at].Dispose();
                open.RemoveAt(at);
            }
        }
        foreach (RawPort port in open)
            port.Dispose();
        zoo.AssertNothingLost();
    }

    private static void OpenUseClose(PortZoo zoo, int seed, ConcurrentBag<Exception> failures)
    {
        try
        {
            Random random = new(seed);
            List<RawPort> open = [];
            for (int i = 0; i < 3000; i++)
            {
                if (open.Count < 5 && zoo.TryOpen(random) is { } port)
                    open.Add(port);
                if (open.Count == 0)
                    continue;
                int at = random.Next(open.Count);
                PortZoo.Use(open[at], random, othersAtWork: true);
                if (random.Next(3) != 0)
                    continue;
                open[at].Dispose();
                open.RemoveAt(at);
            }
            foreach (RawPort port in open)
                port.Dispose();
        }
        catch (Exception failure)
        {
            failures.Add(failure);
        }
    }

    private static void UseUntilClosed(NetmapPort port, ConcurrentBag<Exception> failures)
    {
        try
        {
            while (true)
            {
                for (int i = 0; i < 50 && port.TxRings.Count > 0 && !port.Name.Contains('/') && port.TxRings[0].TrySend(Traffic.Packet(60, 7)); i++)
                    ;
                port.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(1));
                foreach (RxFrame frame in port.RxRings[0])
                    Assert.Equal(60, frame.Length);
            }
        }
        catch (ObjectDisposedException)
        {
            // Closed by the other thread: how this ends.
        }
        catch (NetmapException stopped) when (stopped.ErrorName is "EIO" or "ENXIO")
        {
            // Closed while in a sync.
        }
        catch (Exception failure)
        {
            failures.Add(failure);
        }
    }
}
