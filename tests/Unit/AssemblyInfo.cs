using Netmap.Tests;

[assembly: AssemblyFixture(typeof(LeakFixture))]
[assembly: LeakTrail]
[assembly: TestCollectionOrderer(typeof(LeakTestsLast))]
