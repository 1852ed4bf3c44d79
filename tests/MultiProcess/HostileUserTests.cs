using System.Text.Json;
using Netmap.Server;

namespace Netmap.Tests.MultiProcess;

/// <summary>One user attacks a server with all that its socket lets through; another is served as before, and in the end nothing is left.</summary>
public sealed class HostileUserTests : IDisposable
{
    private static readonly TimeSpan s_generous = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("netmapd").FullName;
    private readonly NetmapEngine _engine = new(new NetmapEngineOptions { BufferCount = 8192 });
    private readonly NetmapServer _server;

    public HostileUserTests()
    {
        HostileUser.Require();
        UnixFileMode all = (UnixFileMode)0x1ff;
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder, all);
        _server = new(_engine, new() { Host = Path.Combine(_folder, "sock"), Mode = all });
    }

    public void Dispose()
    {
        _server.Dispose();
        _engine.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    // Descriptors whose last close waits for an hour: as stray messages, with requests, in sockets that are closed or refused unread.
    [InlineData("stray")]
    [InlineData("request")]
    [InlineData("unread")]
    [InlineData("refused")]
    [InlineData("pile")]
    [InlineData("swamp")]
    // As many as there can be.
    [InlineData("sessions")]
    [InlineData("connects")]
    // Sockets of the server's own in each other's queues; clients that read nothing; requests without end.
    [InlineData("circles")]
    [InlineData("deaf")]
    [InlineData("flood")]
    public async Task AnotherUserIsServedMeanwhileAndNothingIsLeft(string attack)
    {
        using (HostileUser hostile = new(_folder, _server.Options.Host, attack))
        {
            await hostile.Ready();
            for (int i = 0; i < 5; i++)
                await Serves();
            UserStatus held = Held();
            Assert.InRange(held.Descriptors, 0, _server.Options.DescriptorsPerUser + 2000);
            Assert.InRange(held.Files, 0, _server.Options.FilesPerUser);
            Assert.InRange(held.Sessions, 0, _server.Options.SessionsPerUser);
            Assert.InRange(held.Threads, 1, 1 + 4);
        }
        Assert.True(SpinWait.SpinUntil(() => Held() is { Files: 0, Sessions: 0, Descriptors: 0 }, s_generous), $"{Held()}");
        await Serves();
    }

    /// <summary>Each message brings a pidfd, credentials, a label and a time then.</summary>
    [Fact]
    public async Task WhatAClientOrdersWithItsMessagesIsLetGo()
    {
        int before = Directory.GetFiles("/proc/self/fd").Length;
        using HostileUser hostile = new(_folder, _server.Options.Host, "options");
        await hostile.Ready();
        Assert.True(_server.GetStatus().Requests >= 3000);
        Assert.True(SpinWait.SpinUntil(() => Held().Descriptors < 10, s_generous), $"{Held()}");
        Assert.True(SpinWait.SpinUntil(() => Directory.GetFiles("/proc/self/fd").Length < before + 100, s_generous));
    }

    /// <summary>Any user can listen at an abstract address.</summary>
    [Fact]
    public async Task AnAbstractAddressWhereAStrangerListensIsRefused()
    {
        string host = $"@netmap-impostor-{Environment.ProcessId}";
        using HostileUser hostile = new(_folder, host, "impostor", Links.NetworkNamespace.Current());
        await hostile.Ready();
        NetmapException refused = Assert.Throws<NetmapException>(() => NetmapPort.Open("vale0:a", new() { Host = host }));
        Assert.Equal("EPERM", refused.ErrorName);
        Assert.Contains($"user {HostileUser.Id}'s, neither yours nor root's", refused.Message);
    }

    /// <summary>A state and a sync: users' threads, the engine's lock and the workers are all in it.</summary>
    private async Task Serves() => await Task.Run(() =>
    {
        JsonElement state = JsonDocument.Parse(NetmapHost.Status(_server.Options.Host)).RootElement;
        Assert.True(state.GetProperty("files").GetArrayLength() > 0);
        using NetmapPort port = NetmapPort.Open("netmap:honest{1", new() { Host = _server.Options.Host });
        Assert.True(port.TxRings[0].TrySend(new byte[60]));
        port.TxSync();
    }).WaitAsync(s_generous);

    private UserStatus Held() => Assert.Single(_server.GetStatus().Users, user => user.User == HostileUser.Id);
}
