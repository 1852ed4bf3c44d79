using Netmap.Tests;
using Xunit.Sdk;
using Xunit.v3;

// Namespaces, descriptors and CPUs are counted and shared: one test at a time.
[assembly: Parallelization(Mode = ParallelMode.None)]
[assembly: AssemblyFixture(typeof(LeakFixture))]
[assembly: LeakTrail]
[assembly: TestCollectionOrderer(typeof(LeakTestsLast))]
