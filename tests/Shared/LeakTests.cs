using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Netmap.Tests;

/// <summary>
/// Runs after all other tests of its assembly, alone: fails when they have left more open than there was before them, a leak of
/// the product or of a test. A run of chosen tests without it checks the same at its end.
/// </summary>
[Collection(Name)]
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class LeakTests(LeakFixture fixture)
{
    /// <summary>Of the collection that <see cref="LeakTestsLast"/> puts at the end.</summary>
    public const string Name = "Leaks";

    [Fact]
    public void TheTestsBeforeLeftNothingOpen() => fixture.Check();
}

/// <summary>Knows what was open before the first test of an assembly.</summary>
public sealed partial class LeakFixture : IDisposable
{
    /// <summary>Child processes' descriptors and asynchronous closes may take a moment.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly OpenResources _before;
    private bool _checked;

    public LeakFixture()
    {
        OpenWhatTheRuntimeKeeps();
        OpenWhatTheProductKeeps();
        _before = OpenResources.Settled();
    }

    /// <summary>Fails when more is open than was before the first test.</summary>
    public void Check()
    {
        _checked = true;
        Assert.True(LeakTrailAttribute.Running <= 1, "another test is running");
        Stopwatch clock = Stopwatch.StartNew();
        string[] left;
        while ((left = [.. OpenResources.Settled().Beyond(_before).Where(IsOwned)]).Length > 0 && clock.Elapsed < s_patience)
            Thread.Sleep(50);
        Assert.True(left.Length == 0, "left open: "
            + string.Join("; ", left.Select(one => $"{one}, first seen after {LeakTrailAttribute.FirstSeenAfter(one)}")));
    }

    public void Dispose()
    {
        if (!_checked)
            Check();
    }

    /// <summary>
    /// A client's mapping of netmap memory stays by design until nothing refers to its rings, and a stack may refer to them for long:
    /// it is no leak that a finished test could be told from.
    /// </summary>
    private static bool IsOwned(string resource) =>
        !(resource.StartsWith("mapping ", StringComparison.Ordinal) && resource.EndsWith("/memfd:netmap (deleted)", StringComparison.Ordinal));

    /// <summary>What the product opens once for a process, where an assembly's tests come that far.</summary>
    static partial void OpenWhatTheProductKeeps();

    /// <summary>The runtime opens these at first use and keeps them: they are no test's.</summary>
    private static void OpenWhatTheRuntimeKeeps()
    {
        using Process child = Process.Start(new ProcessStartInfo("true") { RedirectStandardOutput = true })!;
        child.WaitForExit();
        // The pollers of asynchronous sockets.
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint($"\0netmap-tests-{Environment.ProcessId}"));
        listener.Listen();
        using CancellationTokenSource never = new();
        ValueTask<Socket> accept = listener.AcceptAsync(never.Token);
        never.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => accept.AsTask().GetAwaiter().GetResult());
    }
}

/// <summary>Notes after each test what is open, so that a leak can be told with the test after which it was first seen.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class LeakTrailAttribute : BeforeAfterTestAttribute
{
    private static readonly ConcurrentDictionary<string, string> s_seen = [];
    private static int s_running;

    /// <summary>Tests that are running.</summary>
    public static int Running => Volatile.Read(ref s_running);

    /// <summary>The test after which this was open first; of tests that ran at the same time, one.</summary>
    public static string FirstSeenAfter(string resource) => s_seen.GetValueOrDefault(resource) ?? "the last test";

    public override void Before(MethodInfo methodUnderTest, IXunitTest test) => Interlocked.Increment(ref s_running);

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        Interlocked.Decrement(ref s_running);
        HashSet<string> open = [.. OpenResources.Now().All];
        foreach (string closed in s_seen.Keys.Where(one => !open.Contains(one)))
            s_seen.TryRemove(closed, out _);
        foreach (string one in open)
            s_seen.TryAdd(one, test.TestDisplayName);
    }
}

/// <summary>Puts <see cref="LeakTests"/> behind all others.</summary>
public sealed class LeakTestsLast : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(one => one.TestCollectionDisplayName == LeakTests.Name).ThenBy(one => one.UniqueID, StringComparer.Ordinal)];
}
