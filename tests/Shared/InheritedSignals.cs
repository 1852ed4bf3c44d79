using System.Runtime.CompilerServices;
using Netmap.Interop;

namespace Netmap.Tests;

/// <summary>
/// A script's background job starts with SIGINT ignored, and so would every program that a test starts: those that keep it so
/// would not end when a test sends them SIGINT. The test process gives it its standard action back before anything starts.
/// </summary>
internal static unsafe class InheritedSignals
{
    [ModuleInitializer]
    internal static void Reset()
    {
        sigaction standard = new() { sa_handler = Signal.SIG_DFL };
        Signal.sigaction(Signal.SIGINT, &standard, null);
    }
}
