using System.Globalization;
using Netmap.Interop;
using Netmap.Links;
using Netmap.Tests.Netns;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary>Tools as a script's background jobs: a shell without job control starts them with SIGINT ignored.</summary>
public sealed class SignalTests
{
    [Theory]
    [InlineData(Signal.SIGINT, "pkt-gen -i null -f tx", "Sent ")]
    [InlineData(Signal.SIGTERM, "pkt-gen -i null -f tx", "Sent ")]
    [InlineData(Signal.SIGINT, "bridge netmap:p{1 netmap:p}1", "netmap:p{1 -> netmap:p}1: 0 packets")]
    [InlineData(Signal.SIGTERM, "bridge netmap:p{1 netmap:p}1", "netmap:p{1 -> netmap:p}1: 0 packets")]
    [InlineData(Signal.SIGINT, "netmapd --host @HOST", "")]
    [InlineData(Signal.SIGTERM, "netmapd --host @HOST", "")]
    public void AToolStartedWithSigintIgnoredEndsInOrder(int signal, string command, string words)
    {
        Privileges.RequireNamespaces();
        using NetworkNamespace here = NetworkNamespace.Create();
        command = command.Replace("HOST", $"netmap-signals-{Environment.ProcessId}-{signal}");
        using Peer tool = Peer.Start(here, "sh", "-c", $"trap '' INT; exec dotnet {Tool.Path} {command}");
        WaitUntilTaken(tool, Signal.SIGINT);
        Assert.False(Signal.kill(tool.Id, signal).IsError);
        string said = tool.Finish();
        Assert.Equal(0, tool.ExitCode);
        Assert.Contains(words, said);
    }

    /// <summary>Waits until a process has a handler for a signal.</summary>
    private static void WaitUntilTaken(Peer peer, int signal)
    {
        for (int i = 0; i < 3000; i++)
        {
            Assert.False(peer.HasExited, "it ended before it took the signal");
            string caught = File.ReadLines($"/proc/{peer.Id}/status").First(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
            if ((ulong.Parse(caught[7..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & (1ul << (signal - 1))) != 0)
                return;
            Thread.Sleep(20);
        }
        Assert.Fail("it takes no such signal");
    }
}
