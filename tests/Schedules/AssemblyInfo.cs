using Xunit.Sdk;
using Xunit.v3;

// A schedule decides who runs: one test at a time.
[assembly: Parallelization(Mode = ParallelMode.None)]
