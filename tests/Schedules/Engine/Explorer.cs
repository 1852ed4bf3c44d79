using System.Globalization;
using System.Runtime;

namespace Netmap.Tests.Schedules;

/// <summary>Runs a scenario under many schedules.</summary>
internal static class Explorer
{
    /// <summary>Bytes and schedules between two collections.</summary>
    private const long Budget = 200L << 20;
    private const int MostRuns = 500;

    private static long s_begun;
    private static int s_runs;

    /// <summary>NETMAP_SCHEDULES sets how many schedules each scenario runs; the documented long run is 10000.</summary>
    private static int Goal => int.Parse(Environment.GetEnvironmentVariable("NETMAP_SCHEDULES") ?? "600", CultureInfo.InvariantCulture);

    /// <summary>Every schedule must pass.</summary>
    public static void Explore(Action<Schedule> scenario)
    {
        Sites.MendAll();
        string? found = Find(scenario, Goal, out ulong seed);
        Assert.True(found is null, $"seed {seed}: {Again(scenario, seed)}");
    }

    /// <summary>One schedule again, whose seed was found before.</summary>
    public static void Replay(Action<Schedule> scenario, ulong seed)
    {
        Sites.MendAll();
        string? found = Again(scenario, seed);
        Assert.True(found is null, $"seed {seed}: {found}");
    }

    /// <summary>With one place broken the scenario must fail in some schedule: else it proves nothing about that place.</summary>
    public static void MustFind(Action<Schedule> scenario, string place, Fault fault)
    {
        Loader.LoadAll();
        Sites.MendAll();
        Sites.Break(place, fault);
        try
        {
            Assert.True(Find(scenario, 20_000, out _) is not null, $"{place} with {fault} was not found");
        }
        finally
        {
            Sites.MendAll();
        }
    }

    private static string? Again(Action<Schedule> scenario, ulong seed)
    {
        (int, int) lengths = Calibrate(scenario);
        return InOneGeneration(() => new Schedule(seed, lengths, traced: true).Run(scenario));
    }

    private static string? Find(Action<Schedule> scenario, int schedules, out ulong seed)
    {
        (int, int) lengths = Calibrate(scenario);
        for (seed = 1; seed <= (ulong)schedules; seed++)
        {
            ulong own = seed;
            if (InOneGeneration(() => new Schedule(own, lengths, traced: false).Run(scenario)) is { } failure)
                return failure;
        }
        return null;
    }

    /// <summary>How many steps schedules have: where preemptions may lie.</summary>
    private static (int Fine, int Coarse) Calibrate(Action<Schedule> scenario)
    {
        // Once before: what runs once only (initializers) is no part of it.
        Steps(scenario, 0);
        return (Steps(scenario, 0), Steps(scenario, 3));
    }

    private static int Steps(Action<Schedule> scenario, ulong seed)
    {
        Schedule schedule = new(seed, default, traced: false);
        InOneGeneration(() => schedule.Run(scenario));
        return schedule.Steps;
    }

    /// <summary>Store buffers hold addresses: nothing may move meanwhile.</summary>
    private static string? InOneGeneration(Func<string?> run)
    {
        // What a thread has been handed to allocate from, and has not used, is not in the sum: hence the count.
        if (GCSettings.LatencyMode == GCLatencyMode.NoGCRegion && (++s_runs == MostRuns || GC.GetTotalAllocatedBytes() - s_begun > Budget / 2))
            GC.EndNoGCRegion();
        if (GCSettings.LatencyMode != GCLatencyMode.NoGCRegion)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Assert.True(GC.TryStartNoGCRegion(Budget));
            (s_begun, s_runs) = (GC.GetTotalAllocatedBytes(), 0);
        }
        string? found = run();
        Assert.True(GCSettings.LatencyMode == GCLatencyMode.NoGCRegion, "a collection came between: the schedule means nothing");
        return found;
    }
}
