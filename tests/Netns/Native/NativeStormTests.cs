namespace Netmap.Tests.Netns.Native;

/// <summary>Many who open, close, send and take away at once.</summary>
public sealed class NativeStormTests
{
    public NativeStormTests() => Privileges.RequireBpf();

    /// <summary>Threads open and close rings of one interface in one engine while traffic arrives: refusals are words, and nothing is left.</summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void ManyThreadsOpenAndCloseOneInterface(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear, queues: 2);
        using NetmapEngine elsewhere = new(NativeLab.Options);
        using NetmapPort sender = lab.Right.Run(() => NetmapPort.Open("netmap:v1-0", engine: elsewhere));
        lab.OpenLeft().Dispose();
        OpenResources before = OpenResources.Settled();
        using CancellationTokenSource stop = new();
        Thread traffic = new(() => Flood(sender, stop.Token)) { IsBackground = true };
        traffic.Start();
        string[] suffixes = ["", "-0", "-1", "/x", "-0/T", "-1/R", "^", "*"];
        string[] failures = [.. Parallel(4, seed => OpenAndClose(lab, suffixes, new Random(seed), 30))];
        Assert.Empty(failures);
        stop.Cancel();
        traffic.Join();
        before.CheckNothingMoreIsOpen();
        Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "v0"));
        using NetmapPort left = lab.OpenLeft();
        NativeLab.Send(sender, 4);
        Assert.Equal(TestFrame.Numbered(4, 60), NativeLab.One(left));
    }

    /// <summary>Two engines are as two processes: one has the interface, the other is told who.</summary>
    [Fact]
    public void ASecondEngineIsToldThatNetmapHasTheInterface()
    {
        using VethLab lab = NativeLab.Create();
        using NetmapPort left = lab.OpenLeft();
        using NetmapEngine second = new(NativeLab.Options with { AdapterMode = AdapterMode.Best });
        NetmapException refused = Assert.Throws<NetmapException>(() => lab.Left.Run(() => NetmapPort.Open("netmap:v0", engine: second)));
        Assert.Equal("EBUSY", refused.ErrorName);
        Assert.Contains("a netmap port of another process or engine; a server (netmapd) could share it", refused.Message);
    }

    /// <summary>The interface comes and goes under threads that open, send and close: each gets a port or an error of netmap's.</summary>
    [Theory]
    [InlineData(AdapterMode.Best)]
    [InlineData(AdapterMode.Native)]
    [InlineData(AdapterMode.Generic)]
    public void AnInterfaceComesAndGoesWhileItIsOpened(AdapterMode mode)
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = mode });
        using CancellationTokenSource stop = new();
        Thread upheaval = new(() =>
        {
            for (int i = 0; i < 12; i++)
            {
                lab.Left.Delete("v0");
                lab.Left.CreateVeth("v0", "v1", lab.Right);
                lab.Left.SetUp("v0");
                lab.Right.SetUp("v1");
                lab.Left.Rename("v0", "other");
                lab.Left.Rename("other", "v0");
            }
            stop.Cancel();
        })
        {
            IsBackground = true,
        };
        upheaval.Start();
        string[] failures = [.. Parallel(2, seed =>
        {
            string? failure = null;
            while (!stop.IsCancellationRequested && failure is null)
                failure = OpenAndClose(lab, ["", "^", "-0"], new Random(seed), 1);
            return failure;
        })];
        upheaval.Join();
        Assert.Empty(failures);
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.OpenRight();
        NativeLab.Send(left, 9);
        // Its own host may have said something, too.
        Assert.True(SpinWait.SpinUntil(() => NativeLab.One(right).AsSpan().SequenceEqual(TestFrame.Numbered(9, 60)), VethLab.Soon));
    }

    private static IEnumerable<string> Parallel(int threads, Func<int, string?> work)
    {
        Task<string?>[] all = [.. Enumerable.Range(0, threads).Select(seed => Task.Factory.StartNew(() => work(seed), TaskCreationOptions.LongRunning))];
        return all.Select(task => task.GetAwaiter().GetResult()).OfType<string>();
    }

    /// <returns>What went wrong in a way that nobody may see; null for nothing.</returns>
    private static string? OpenAndClose(VethLab lab, string[] suffixes, Random random, int times)
    {
        for (int i = 0; i < times; i++)
        {
            try
            {
                using NetmapPort port = lab.OpenLeft(suffixes[random.Next(suffixes.Length)]);
                foreach (TxRing ring in port.TxRings)
                {
                    for (int k = random.Next(40); k > 0; k--)
                        ring.TrySend(TestFrame.Numbered(k, 60 + random.Next(1000)));
                }
                port.TxSync();
                port.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(random.Next(3)));
            }
            catch (NetmapException)
            {
                // Refused, in words.
            }
            catch (Exception e)
            {
                return e.ToString();
            }
        }
        return null;
    }

    private static void Flood(NetmapPort port, CancellationToken stop)
    {
        byte[] frame = TestFrame.Numbered(0, 60);
        while (!stop.IsCancellationRequested)
        {
            while (port.TxRings[0].TrySend(frame))
                ;
            port.TxSync();
        }
    }
}
