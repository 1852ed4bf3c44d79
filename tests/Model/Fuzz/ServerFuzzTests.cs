using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Netmap.Interop;
using Netmap.Tests.Unit.Server;

namespace Netmap.Tests.Model.Fuzz;

/// <summary>
/// Two hostile clients at a time, random but mostly right in what they do, against a server: two honest ones exchange all their frames
/// beside them, no request fails inside the server, and in the end nothing is left of the others: no file, no buffer, no descriptor.
/// NETMAP_FUZZ_SECONDS sets how long; the documented long run is 3600. NETMAP_FUZZ_SEED repeats the clients of another run.
/// </summary>
public sealed class ServerFuzzTests(ITestOutputHelper output)
{
    private const int Clients = 2;

    private static double Seconds => double.Parse(Environment.GetEnvironmentVariable("NETMAP_FUZZ_SECONDS") ?? "4", CultureInfo.InvariantCulture);

    private static int Seed => int.Parse(Environment.GetEnvironmentVariable("NETMAP_FUZZ_SEED") ?? $"{Random.Shared.Next()}", CultureInfo.InvariantCulture);

    [Fact]
    public async Task TheServerSurvivesAndForgets()
    {
        int seed = Seed;
        output.WriteLine($"seed {seed}");
        using Failures failures = new();
        using TestServer server = new(options => options with { MemoryPerUser = 300 << 20, Workers = 2 }, new() { BufferCount = 8192 }, failures);
        int before = FreeBuffers(server);
        Tally tally = new(seed);
        using (Bystanders honest = new(server, "vale8:honest"))
        {
            Task all = Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Factory.StartNew(() => Run(server.Host, tally, honest.MemoryId), TaskCreationOptions.LongRunning)));
            try
            {
                while (!all.IsCompleted && failures.All.IsEmpty)
                {
                    honest.Await(100);
                    await Task.Delay(50);
                }
            }
            finally
            {
                tally.IsOver = true;
                await all;
            }
        }
        output.WriteLine($"{tally.Clients} clients asked {tally.Asked} times, {server.Server.GetStatus().Malformed} messages made no sense");
        Assert.Empty(failures.All);
        Assert.True(tally.Asked > 100);
        server.WaitForFiles(0);
        Assert.Equal(before, FreeBuffers(server));
    }

    private static unsafe void Run(string host, Tally tally, int spared)
    {
        using FuzzDescriptors descriptors = new();
        // Mapped as long as the process lives: a sync loop may still write there.
        ulong control = (ulong)SysMman.mmap(null, 1 << 20, SysMman.PROT_READ | SysMman.PROT_WRITE, SysMman.MAP_PRIVATE | SysMman.MAP_ANONYMOUS, -1, 0).Value;
        Stopwatch watch = Stopwatch.StartNew();
        while (watch.Elapsed.TotalSeconds < Seconds && !tally.IsOver)
        {
            using FuzzClient client = new(host, tally.NextSeed(), descriptors, control, spared);
            client.Run();
            tally.Add(client.Asked);
        }
    }

    /// <summary>Buffers of the global memory, once the ports are gone that outlive their makers.</summary>
    private static int FreeBuffers(TestServer server)
    {
        foreach (SwitchPortAddress port in NetmapControl.List(server.Engine))
            Ignoring(() => NetmapControl.Detach(port.Name, server.Engine));
        foreach (string name in (string[])["f0", "f1", "a", "b", "x{1", "nosuch0"])
            Ignoring(() => NetmapControl.DeletePort(name, server.Engine));
        using NetmapPort port1 = server.Open("netmap:count{1");
        return server.Engine.Core.Memories.Find(port1.Info.MemoryId)!.Available.Buffers;
    }

    private static void Ignoring(Action action)
    {
        try
        {
            action();
        }
        catch (NetmapException)
        {
            // There is no such port.
        }
    }

    private sealed class Tally(int seed)
    {
        private int _clients;
        private long _asked;
        private volatile bool _over;

        public int Clients => _clients;

        public long Asked => Volatile.Read(ref _asked);

        public bool IsOver
        {
            get => _over;
            set => _over = value;
        }

        public int NextSeed() => seed + Interlocked.Increment(ref _clients);

        public void Add(int asked) => Interlocked.Add(ref _asked, asked);
    }

    /// <summary>What the server's log has at its worst: requests that failed inside it.</summary>
    private sealed class Failures : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> All { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                All.Enqueue($"{formatter(state, exception)}: {exception}");
        }

        public void Dispose()
        {
        }
    }
}
