using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Netmap.Client;
using Netmap.Devices.Memory;
using Netmap.Interop;
using Netmap.Server;

namespace Netmap.Tests.Unit.Server;

/// <summary>What a user may have of a server, and the server of the kernel.</summary>
public sealed class QuotaTests
{
    [Fact]
    public void SessionsOfAUserAreLimitedOverAllFiles()
    {
        using TestServer server = new(options => options with { SessionsPerUser = 5 });
        using RawClient first = new(server.Host);
        using RawClient second = new(server.Host);
        for (int i = 0; i < 3; i++)
            Assert.Equal(Errno.Success, first.Attach());
        for (int i = 0; i < 2; i++)
            Assert.Equal(Errno.Success, second.Attach());
        Assert.Equal(Errno.EMFILE, second.Attach());
        Assert.Contains("--sessions-per-user", Assert.Throws<NetmapException>(() => server.Open("vale0:a")).Message);
        first.Session.Dispose();
        Assert.True(SpinWait.SpinUntil(() => Only(server).Sessions == 4, TimeSpan.FromSeconds(20)));
        Assert.Equal(Errno.Success, second.Attach());
    }

    [Fact]
    public void DescriptorsOfAUserAreLimitedAndAllCountedBack()
    {
        using TestServer server = new(options => options with { DescriptorsPerUser = 300 });
        using (RawClient client = new(server.Host))
        {
            int sessions = 0;
            while (client.Attach() == Errno.Success)
                sessions++;
            // A session's socket and three, beside the connection; a message's worth stays free.
            Assert.Equal((300 - MessageSocket.MostDescriptors - 1) / 4, sessions);
            Assert.Contains("--descriptors-per-user", Assert.Throws<NetmapException>(() => server.Open("vale0:a")).Message);
        }
        Assert.True(SpinWait.SpinUntil(() => Only(server) is { Descriptors: 0, Sessions: 0, Files: 0 }, TimeSpan.FromSeconds(20)), $"{Only(server)}");
        using NetmapPort port = server.Open("vale0:a");
    }

    [Fact]
    public void ThreadsOfAUserAreLimited()
    {
        using TestServer server = new(options => options with { ThreadsPerUser = 2 });
        ClientAccount account = server.Server.Accounts.Find(12345)!.Account;
        Assert.True(account.TryTakeThread());
        Assert.True(account.TryTakeThread());
        Assert.False(account.TryTakeThread());
        Assert.Contains("--threads-per-user", account.NoThread("sync loop").Message);
        account.ReturnThread();
        Assert.True(account.TryTakeThread());
    }

    /// <summary>A user who has nothing gives way; root and the server's own user always find a place.</summary>
    [Fact]
    public void UsersAreLimitedAndRootIsNot()
    {
        using TestServer server = new(options => options with { Users = 2 });
        ClientAccounts accounts = server.Server.Accounts;
        uint own = Unistd.geteuid();
        ClientThread first = accounts.Find(own + 10001)!;
        Assert.Null(first.Account.TryOpen());
        Assert.Null(accounts.Find(own + 10002)!.Account.TryOpen());
        Assert.Null(accounts.Find(own + 10003));
        Assert.NotNull(accounts.Find(own));
        Assert.NotNull(accounts.Find(0));
        Assert.Same(first, accounts.Find(own + 10001));
        first.Account.Close();
        Assert.NotNull(accounts.Find(own + 10003));
        Assert.True(first.Join(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void SubordinateUsersCountAsTheirUser()
    {
        string ranges = Path.GetTempFileName(), users = Path.GetTempFileName();
        try
        {
            File.WriteAllText(users, "root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/:/bin/sh\n");
            File.WriteAllText(ranges, "# said\nanna:100000:65536\n1001:165536:10\nghost:300000:5\nanna:nonsense:5\n");
            SubordinateUsers owners = new(ranges, users);
            Assert.Equal([1000u, 1000, 1001, 165546, 99999, 300000, 0, uint.MaxValue],
                new uint[] { 100000, 165535, 165536, 165546, 99999, 300000, 0, uint.MaxValue }.Select(owners.OwnerOf));
            File.WriteAllText(ranges, "root:100000:65536\n");
            File.SetLastWriteTimeUtc(ranges, DateTime.UtcNow.AddHours(1));
            Assert.Equal(0u, owners.OwnerOf(100000));
            Assert.Equal(7u, new SubordinateUsers("/nonexistent", "/nonexistent").OwnerOf(7));
        }
        finally
        {
            File.Delete(ranges);
            File.Delete(users);
        }
    }

    [Fact]
    public void WhatAServerGrantsFitsTheKernelByDefaultAndElseTheOptionIsNamed()
    {
        NetmapServerOptions options = new() { Host = "@x" };
        Assert.Empty(KernelLimits.Shortages(options, workers: 8, descriptors: 65536, mappings: 65530, threads: 4096));
        Assert.Contains("--descriptors-per-user", Assert.Single(KernelLimits.Shortages(options, 8, 60000, 65530, 4096)));
        Assert.Contains("--sessions-per-user", Assert.Single(KernelLimits.Shortages(options with { SessionsPerUser = 4000 }, 8, 65536, 65530, 4096)));
        Assert.Contains("--threads-per-user", Assert.Single(KernelLimits.Shortages(options, 8, 65536, 65530, 500)));
        Assert.Equal(3, KernelLimits.Shortages(options with { Users = 1000 }, 8, 65536, 65530, 4096)
            .Count(line => line.Contains("--users", StringComparison.Ordinal)));
        Assert.InRange(KernelLimits.Descriptors, 1, long.MaxValue - 1);
    }

    /// <summary>Over time a user gets half of the time that requests take, and may be ahead of it by a burst.</summary>
    [Fact]
    public void RequestsOfAUserPauseBeyondHalfOfTheTime()
    {
        FakeTimeProvider clock = new();
        ControlBudget budget = new(clock);
        TimeSpan busy = TimeSpan.FromMilliseconds(20), paused = TimeSpan.Zero;
        for (int i = 0; i < 500; i++)
        {
            clock.Advance(busy);
            TimeSpan pause = budget.Spend(busy);
            Assert.InRange(pause, TimeSpan.Zero, ControlBudget.LongestPause);
            clock.Advance(pause);
            paused += pause;
        }
        Assert.InRange(paused, (busy * 500) - (ControlBudget.Burst * 2), busy * 500);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.Zero, budget.Spend(ControlBudget.Burst));
        Assert.NotEqual(TimeSpan.Zero, budget.Spend(busy));
    }

    [Fact]
    public void TheStateOfManyFilesComesInPartsThatAreWhole()
    {
        const int Count = 1200;
        using TestServer server = new(options => options with { FilesPerUser = Count + 10 });
        List<MessageSocket> files = [.. Enumerable.Range(0, Count).Select(_ => MessageSocket.Connect(server.Host))];
        server.WaitForFiles(Count);
        JsonElement all = JsonDocument.Parse(NetmapHost.Status(server.Host)).RootElement;
        Assert.Equal(Count + 1, all.GetProperty("files").GetArrayLength());
        Assert.Equal(0, all.GetProperty("more").GetInt32());
        using RemotePortFile client = new(server.Host);
        byte[] first = client.Ask(NmsH.NMS_STATUS, "", null);
        Assert.InRange(first.Length, 1, NmsH.NMS_ANSWER_MAX);
        JsonElement part = JsonDocument.Parse(first).RootElement;
        Assert.Equal(Count + 1, part.GetProperty("files").GetArrayLength() + part.GetProperty("more").GetInt32());
        Assert.InRange(part.GetProperty("more").GetInt32(), 1, Count);
        Assert.Equal(Count + 1, Assert.Single(part.GetProperty("users").EnumerateArray()).GetProperty("files").GetInt32());
        Assert.Equal(0, JsonDocument.Parse(client.Ask(NmsH.NMS_STATUS, "1000000", null)).RootElement.GetProperty("files").GetArrayLength());
        files.ForEach(file => file.Dispose());
    }

    [Fact]
    public void TheStateOfAServerThatHasEndedIsThere()
    {
        TestServer server = new();
        server.Open("vale0:a").Dispose();
        server.Dispose();
        Assert.Empty(server.Server.GetStatus().Files);
        Assert.True(server.Server.GetStatus().Requests > 0);
    }

    /// <summary>A socket that leads to a service names that service's process: a session on it would act for it.</summary>
    [Fact]
    public void ASessionIsAPairsEnd()
    {
        using TestServer server = new();
        using RawClient client = new(server.Host);
        string host = $"@netmap-service-{Environment.ProcessId}";
        using MessageSocket service = MessageSocket.Listen(host);
        using MessageSocket connected = MessageSocket.Connect(host);
        using MessageSocket accepted = new(new SafeDescriptor(SysSocket.accept4(service.Descriptor, SysSocket.SOCK_CLOEXEC).Int32));
        client.Connection.Send(new Message(64).Begin(NmsH.NMS_ATTACH).Bytes, [connected.Descriptor]);
        Message answer = new(256);
        Assert.True(answer.Received(accepted.Receive(answer.Room, []).Int32));
        Assert.Equal(Errno.EPERM, (Errno)answer.Header.result);
        Assert.Contains("socketpair", Encoding.UTF8.GetString(answer.Body));
        client.Connection.Send(new Message(64).Begin(NmsH.NMS_ATTACH).Bytes, [service.Descriptor]);
        Assert.Equal(Errno.Success, client.Attach());
        Assert.Equal(1, server.Server.GetStatus().Files.Single().Sessions);
    }

    /// <summary>Whether what all share still works: a worker that hangs and an engine's lock that is not given back are noticed.</summary>
    [Fact]
    public async Task TheWatchdogNoticesAWorkerThatHangsAndTheEnginesLock()
    {
        using TestServer server = new(options => options with { Workers = 2 });
        ThrowingDevice device = new(new MemoryDeviceFactory("inner", "peer", new MemoryPairOptions { Slots = 16 }).Ends[0]);
        server.Engine.Core.AddFactory(device);
        Watchdog watchdog = new(server.Server);
        Assert.True(SpinWait.SpinUntil(watchdog.Look, TimeSpan.FromSeconds(20)));
        using (Held held = new(server.Engine.Core.ControlLock))
            Assert.False(watchdog.Look());
        Assert.True(SpinWait.SpinUntil(watchdog.Look, TimeSpan.FromSeconds(20)));
        using NetmapPort port = server.Open("netmap:f0");
        device.Fault = Fault.Hang;
        Task sync = Task.Run(port.RxSync, TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(() => !watchdog.Look(), TimeSpan.FromSeconds(20)));
        Assert.False(watchdog.Look());
        device.Fault = Fault.None;
        await sync.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.True(SpinWait.SpinUntil(watchdog.Look, TimeSpan.FromSeconds(20)));
    }

    private static UserStatus Only(TestServer server) => Assert.Single(server.Server.GetStatus().Users);

    /// <summary>A lock that another thread has.</summary>
    private sealed class Held : IDisposable
    {
        private readonly ManualResetEventSlim _over = new();
        private readonly Thread _holder;

        public Held(Lock held)
        {
            using ManualResetEventSlim taken = new();
            _holder = new Thread(() =>
            {
                lock (held)
                {
                    taken.Set();
                    _over.Wait();
                }
            });
            _holder.Start();
            taken.Wait();
        }

        public void Dispose()
        {
            _over.Set();
            _holder.Join();
            _over.Dispose();
        }
    }
}
