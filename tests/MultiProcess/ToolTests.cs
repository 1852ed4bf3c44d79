using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Netmap.Tests.Netns.Peers;
using Netmap.Tests.Netns.Tools;

namespace Netmap.Tests.MultiProcess;

/// <summary>Tools and examples that sit between others, as processes of their own.</summary>
public sealed class ToolTests
{
    [Fact]
    public void TheBridgeReportsWhenInterrupted()
    {
        Netns.Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using MiddleLab lab = new();
        using Peer bridge = Tool.Start(lab.Middle, "bridge", "m0", "m1", "64", "--json");
        lab.WaitUntilTaken(2);
        Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "20", "-i", "0.02", "-W", "5", "10.9.0.2"));
        Interrupt(lab, bridge);
        JsonElement report = JsonDocument.Parse(bridge.Finish()).RootElement;
        Assert.Equal(0, bridge.ExitCode);
        Assert.All(report.GetProperty("lanes").EnumerateArray(), lane =>
        {
            Assert.True(lane.GetProperty("is_zero_copy").GetBoolean());
            Assert.InRange(lane.GetProperty("packets").GetInt64(), 20, 40);
        });
    }

    [Theory]
    [InlineData(2, "bridge")]
    [InlineData(2, "bridge", "a", "b", "x")]
    [InlineData(2, "bridge", "a", "b", "-b", "0")]
    [InlineData(1, "bridge", "nosuch0", "nosuch1")]
    [InlineData(2, "lb")]
    [InlineData(2, "lb", "-i", "a", "-p", "0")]
    [InlineData(1, "lb", "-i", "nosuch0")]
    public void WhatCannotBeEndsWithOneLine(int code, params string[] words)
    {
        using MiddleLab lab = new();
        using Peer tool = Tool.Start(lab.Middle, words);
        string said = tool.Finish();
        Assert.Equal(code, tool.ExitCode);
        Assert.StartsWith("netmap: ", said);
        Assert.Single(said.TrimEnd().Split('\n'));
    }

    [Fact]
    public void LbCountsWhatItDropsWithoutReaders()
    {
        Netns.Privileges.RequireBpf();
        Peer.Require("ping", "iputils-ping");
        using MiddleLab lab = new();
        using Peer lb = Tool.Start(lab.Middle, "lb", "-i", "m0", "-p", "3", "-p", "ids:1", "-B", "10", "--json");
        lab.WaitUntilTaken(1);
        Peer.Run(lab.Left, "ping", "-c", "5", "-i", "0.02", "-W", "1", "10.9.0.2");
        Interrupt(lab, lb);
        JsonElement[] lines = [.. lb.Finish().TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(0, lb.ExitCode);
        Assert.Equal([0, 1, 2, 0, null], lines.Select(Ring));
        Assert.Equal(["m0", "m0", "m0", "ids", "netmap:m0"], lines.Select(line => line.GetProperty("interface").GetString()!));
        // ARP requests, which nobody answers.
        long received = lines[4].GetProperty("packets_received").GetInt64();
        Assert.True(received > 0 && lines[4].GetProperty("non_ip_packets").GetInt64() == received);
        Assert.Equal(received, lines[..3].Sum(line => line.GetProperty("packets_forwarded").GetInt64()));
        Assert.Equal((0, 10), (lines[4].GetProperty("packets_dropped").GetInt32(), lines[4].GetProperty("free_buffer_slots").GetInt32()));
    }

    [Fact]
    public void TwoTasksTalkOverAPipe()
    {
        using MiddleLab lab = new();
        using Peer example = Tool.Example(lab.Middle, "Pipe", "200000");
        Assert.Contains("200000 numbers added up to 19999900000 in", example.Finish());
        Assert.Equal(0, example.ExitCode);
    }

    [Fact]
    public void TheInlineFilterClosesOnePort()
    {
        Netns.Privileges.RequireBpf();
        using MiddleLab lab = new();
        using Peer filter = Tool.Example(lab.Middle, "InlineFilter", "netmap:m0", "netmap:m1", "7001");
        lab.WaitUntilTaken(2);
        lab.CheckTransfer(1 << 20, 7000);
        using Socket listener = lab.Right.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Any, 7001));
        listener.Listen();
        using Socket client = lab.Left.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using CancellationTokenSource enough = new(1500);
        Assert.ThrowsAny<OperationCanceledException>(() => client.ConnectAsync(IPAddress.Parse("10.9.0.2"), 7001, enough.Token).AsTask().GetAwaiter().GetResult());
        // Others still pass.
        lab.CheckTransfer(1 << 20, 7002);
    }

    private static int? Ring(JsonElement line) =>
        line.GetProperty("output_ring") is { ValueKind: JsonValueKind.Number } ring ? ring.GetInt32() : null;

    private static void Interrupt(MiddleLab lab, Peer peer) => Peer.Run(lab.Middle, "sh", "-c", $"kill -INT {peer.Id}");
}
