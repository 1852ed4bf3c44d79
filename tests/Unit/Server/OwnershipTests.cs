using Netmap.Access;
using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;
using Netmap.Server;

namespace Netmap.Tests.Unit.Server;

/// <summary>What users of one server can do to each other's ports, memory and switches.</summary>
public sealed class OwnershipTests : IDisposable
{
    private const uint Alice = ManyUsers.Alice;
    private const uint Bob = ManyUsers.Bob;

    private readonly ManyUsers _users = new();

    public void Dispose() => _users.Dispose();

    [Theory]
    [InlineData("vale0:p")]
    [InlineData("netmap:x{1")]
    [InlineData("netmap:x}1")]
    [InlineData("netmap:x")]
    public void APortIsItsOwnersAlone(string name)
    {
        using NetmapPort port = _users.Open(Alice, name == "netmap:x" ? "netmap:x{1" : name);
        NetmapException refused = _users.Refused(Bob, name == "netmap:x" ? "netmap:x{2" : name);
        Assert.Equal("EACCES", refused.ErrorName);
        Assert.Contains("belongs to user 30001", refused.Message);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.Equal("EACCES", _users.Refused(Credentials.Root, name).ErrorName);
        using NetmapPort second = _users.Open(Alice, name == "netmap:x" ? "netmap:x{2" : name);
    }

    [Fact]
    public void InterfacesAreTheAdministratorsToGive()
    {
        NetmapException refused = _users.Refused(Alice, "netmap:e0");
        Assert.Equal("EACCES", refused.ErrorName);
        Assert.Contains("interface e0 30001", refused.Message);
        Assert.Equal("EACCES", _users.Refused(Alice, () => NetmapPort.QueryHost("netmap:e0", _users.Server.Host)).ErrorName);
        _users.Allow((AccessSubject.Interface, "e*", "30001"));
        using NetmapPort port = _users.Open(Alice, "netmap:e0");
        Assert.Equal("EACCES", _users.Refused(Bob, "netmap:e1").ErrorName);
        // Root administers; but it joins no other user's memory by mistake.
        using NetmapPort roots = _users.Server.Open("netmap:e1");
        Assert.Contains("@conf:owner=30001", _users.Refused(Credentials.Root, "netmap:e0").Message);
    }

    [Fact]
    public void InterfacesOfTwoOwnersLieInDifferentMemory()
    {
        _users.Allow((AccessSubject.Interface, "e0", "30001"), (AccessSubject.Interface, "e1", "30002"));
        using NetmapPort left = _users.Open(Alice, "netmap:e0");
        using NetmapPort right = _users.Open(Bob, "netmap:e1");
        Assert.NotEqual(left.Info.MemoryId, right.Info.MemoryId);
        Assert.Equal(("30001", "30002"), (left.Info.Owner, right.Info.Owner));
        Assert.True(left.TxRings[0].TrySend(new byte[60]));
        left.TxSync();
        Assert.Equal(PollEvents.Receive, right.Poll(PollEvents.Receive, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void AMemoryIdReachesOnesOwnMemoryOnly()
    {
        using NetmapPort port = _users.Open(Alice, "vale0:p", new() { Exclusive = true });
        int id = port.Info.MemoryId;
        using NetmapPort own = _users.Open(Alice, "netmap:any", new() { NullPort = true, MemoryId = id });
        for (int guess = 2; guess <= id + 5; guess++)
        {
            NetmapException refused = _users.Refused(Bob, "netmap:any", new() { NullPort = true, MemoryId = guess });
            Assert.Equal("EINVAL", refused.ErrorName);
            Assert.Equal("EINVAL", _users.Refused(Bob, "vale1:q", new() { MemoryId = guess }).ErrorName);
            // Nothing is told of what others have.
            Assert.EndsWith("those of user 30002 are: 1 (EINVAL)", refused.Message);
        }
        using NetmapPort common = _users.Open(Bob, "netmap:any", new() { NullPort = true, MemoryId = 1 });
        using NetmapPort global = _users.Server.Open("netmap:any", new() { NullPort = true, MemoryId = 1 });
        Assert.NotEqual(global.Info.MemoryId, common.Info.MemoryId);
    }

    [Fact]
    public void MonitorsOfEveryScopeAreTheOwners()
    {
        using NetmapPort port = _users.Open(Alice, "vale0:p");
        foreach (string flags in (string[])["/t", "/r", "/rt", "/z", "/zrt"])
        {
            Assert.Equal("EACCES", _users.Refused(Bob, $"vale0:p{flags}").ErrorName);
            _users.Open(Alice, $"vale0:p{flags}").Dispose();
        }
        // An administrator sees what passes, in memory of its own.
        using NetmapPort monitor = _users.Server.Open("vale0:p/rt");
        Assert.NotEqual(port.Info.MemoryId, monitor.Info.MemoryId);
        Assert.Equal("EACCES", _users.Refused(Credentials.Root, "vale0:p/z").ErrorName);
    }

    [Fact]
    public void SharingTakesTheOwnersWordAndTheJoiners()
    {
        using NetmapPort port = _users.Open(Alice, "vale0:p@conf:users=30002");
        Assert.Contains("agree to that with @conf:owner=30001", _users.Refused(Bob, "vale0:p").Message);
        Assert.Equal("EACCES", _users.Refused(Bob, "vale0:p", new() { OwnedBy = "30003" }).ErrorName);
        using NetmapPort joined = _users.Open(Bob, "vale0:p@conf:owner=30001");
        Assert.Equal(port.Info.MemoryId, joined.Info.MemoryId);
        Assert.Equal("30002", joined.Info.SharedWith);
        Assert.Equal("EACCES", _users.Refused(30_003, "vale0:p@conf:owner=30001").ErrorName);
    }

    [Fact]
    public void TheOptionsSayTheSameAsTheName()
    {
        using NetmapPort port = _users.Open(Alice, "netmap:x{1", new() { SharedWith = "30002" });
        using NetmapPort other = _users.Open(Bob, "netmap:x}1", new() { OwnedBy = "30001" });
        Assert.True(other.TxRings[0].TrySend(new byte[60]));
        other.TxSync();
        Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void SharingWithAGroupTakesItsMembers()
    {
        using NetmapPort port = _users.Open(Alice, "vale0:p", new() { SharedWith = $"%{ManyUsers.Team}" });
        Assert.Equal("EACCES", _users.Refused(Bob, "vale0:p@conf:owner=30001").ErrorName);
        using NetmapPort member = UserThread.Run(Bob, [ManyUsers.Team], () => _users.Server.Open("vale0:p@conf:owner=30001"));
    }

    [Fact]
    public void AUserWhoDoesNotExistIsNamed()
    {
        NetmapException refused = _users.Refused(Alice, "vale0:p@conf:users=nosuchuser");
        Assert.Equal("EINVAL", refused.ErrorName);
        Assert.Contains("'nosuchuser'", refused.Message);
        Assert.Equal("EINVAL", _users.Refused(Alice, "vale0:p@conf:owner=nosuchuser").ErrorName);
    }

    [Fact]
    public void TheAdministratorSharesAPortForBothSides()
    {
        _users.Allow((AccessSubject.Port, "vale0:p", "30001+30002"));
        using (NetmapPort port = _users.Open(Alice, "vale0:p"))
        using (NetmapPort joined = _users.Open(Bob, "vale0:p"))
            Assert.Equal(port.Info.MemoryId, joined.Info.MemoryId);
        _users.Server.WaitForFiles(0);
        // One of that name that a third user made is not meant.
        using NetmapPort trap = _users.Open(30_003, "vale0:p");
        Assert.Equal("EACCES", _users.Refused(Bob, "vale0:p").ErrorName);
    }

    [Fact]
    public void ASwitchIsItsOwnersUntilShared()
    {
        using NetmapPort first = _users.Open(Alice, "vale0:a");
        NetmapException refused = _users.Refused(Bob, "vale0:b");
        Assert.Contains("vale-ctl --share vale0=30002", refused.Message);
        Assert.Equal("EPERM", _users.Refused(Bob, () => Share("vale0", "*")).ErrorName);
        UserThread.Run(Alice, () => Share("vale0", "30002"));
        using NetmapPort second = _users.Open(Bob, "vale0:b");
        Assert.NotEqual(first.Info.MemoryId, second.Info.MemoryId);
        byte[] frame = [.. Enumerable.Repeat((byte)0xff, 6), .. new byte[54]];
        Assert.True(second.TxRings[0].TrySend(frame));
        second.TxSync();
        Assert.Equal(PollEvents.Receive, first.Poll(PollEvents.Receive, TimeSpan.FromSeconds(20)));
        // Sharing a switch shares no port on it.
        Assert.Equal("EACCES", _users.Refused(Bob, "vale0:a").ErrorName);
        SwitchStatistics told = _users.Switches(Bob, switches => switches.GetStatistics("vale0"));
        Assert.Equal(("30001", "30002"), (told.Owner, told.SharedWith));
        Assert.Equal(["30001", "30002"], told.Ports.Select(port => port.Owner));
    }

    [Fact]
    public void ASwitchNamedByTheAdministratorIsForThoseItNames()
    {
        _users.Allow((AccessSubject.Switch, "vale7", "30001+30002"));
        Assert.Equal("EACCES", _users.Refused(30_003, "vale7:x").ErrorName);
        using NetmapPort first = _users.Open(Alice, "vale7:a");
        using NetmapPort second = _users.Open(Bob, "vale7:b");
    }

    [Fact]
    public void AttachmentsAreDetachedByTheirOwnerAndAdministrators()
    {
        _users.Switches(Credentials.Root, switches => switches.Attach("vale0:e0", hostRings: false, 0));
        Assert.Equal("EPERM", _users.Refused(Alice, () => Switches(s => s.Detach("vale0:e0"))).ErrorName);
        Assert.Equal("EPERM", _users.Refused(Alice, () => Switches(s => s.EnablePolling("vale0:e0", new()))).ErrorName);
        Assert.Equal("EACCES", _users.Refused(Alice, () => Switches(s => s.Attach("vale0:e1", false, 0))).ErrorName);
        Assert.Equal("EACCES", _users.Refused(Alice, () => Switches(s => s.Attach("vale9:e1", false, 0))).ErrorName);
        _users.Switches(Credentials.Root, switches => switches.Detach("vale0:e0"));
        _users.Allow((AccessSubject.Interface, "e1", "30001"));
        _users.Switches(Alice, switches => switches.Attach("vale9:e1", false, 0));
        _users.Switches(Credentials.Root, switches => switches.Detach("vale9:e1"));
    }

    [Fact]
    public void PersistentPortsAreDeletedByTheirOwner()
    {
        Create(Alice, "pers0");
        Assert.Equal("EPERM", _users.Refused(Bob, () => Delete("pers0")).ErrorName);
        Assert.Equal("EACCES", _users.Refused(Bob, "netmap:pers0").ErrorName);
        Assert.Equal("EPERM", _users.Refused(Bob, () => Switches(s => s.Attach("vale3:pers0", false, 0))).ErrorName);
        UserThread.Run(Alice, () => Delete("pers0"));
        Create(Bob, "pers0");
    }

    [Fact]
    public unsafe void HeaderLengthsAreTheOwnersToSet()
    {
        using NetmapPort port = _users.Open(Alice, "vale0:p");
        nmreq_port_hdr body = new() { nr_hdr_len = 12 };
        Assert.Equal("EPERM", _users.Refused(Bob, () => Request("vale0:p", NetmapReq.NETMAP_REQ_PORT_HDR_SET, ref body)).ErrorName);
        UserThread.Run(Alice, () => Request("vale0:p", NetmapReq.NETMAP_REQ_PORT_HDR_SET, ref body));
    }

    /// <summary>A user may have made a persistent port of the name before there was the interface that root means.</summary>
    [Fact]
    public void AnAdministratorBringsAnothersPersistentPortOnASwitchOnlyByNamingItsOwner()
    {
        Create(Alice, "eth9");
        using NetmapPort roots = _users.Server.Open("vale4:r");
        NetmapException refused = _users.Refused(Credentials.Root, () => Switches(s => s.Attach("vale4:eth9", false, 0)));
        Assert.Equal("EACCES", refused.ErrorName);
        Assert.Contains("NETMAP_OWNER=30001", refused.Message);
        using RemotePortFile file = new(_users.Server.Host);
        file.Share("", "30001", "vale4:eth9");
        nmreq_vale_attach body = new() { reg = PortLookup.Plain() };
        Request(file, "vale4:eth9", NetmapReq.NETMAP_REQ_VALE_ATTACH, ref body);
        Assert.Equal(1, _users.Switches(Alice, switches => switches.Find("vale4:eth9")).PortIndex);
    }

    [Fact]
    public void ParametersAreAdministratorsToSet()
    {
        Assert.Equal("EPERM", _users.Refused(Alice, () => NetmapHost.Parameter(_users.Server.Host, "generic_mit=5")).ErrorName);
        Assert.Equal("generic_mit=5000", NetmapHost.Parameter(_users.Server.Host, "generic_mit=5000"));
        Assert.Equal("generic_mit=5000", UserThread.Run(Alice, () => NetmapHost.Parameter(_users.Server.Host, "generic_mit")));
    }

    [Fact]
    public void WhatAUserHasIsGivenBackWithItsFiles()
    {
        for (int round = 0; round < 3; round++)
        {
            using (NetmapPort port = _users.Open(Alice, "vale0:p"))
            using (NetmapPort pipe = _users.Open(Alice, "netmap:x{1"))
            using (NetmapPort monitor = _users.Open(Alice, "vale0:p/rt"))
            {
                ResourceAccount held = Account(Alice);
                Assert.True(held is { Memories: >= 3, Memory: > 0, Rings: >= 5, Switches: 1, Ports: 1 });
            }
            _users.Server.WaitForFiles(0);
            ResourceAccount left = Account(Alice);
            Assert.Equal((0, 0L, 0, 0, 0, 0), (left.Memories, left.Memory, left.Rings, left.Switches, left.Ports, left.Attachments));
        }
    }

    private static unsafe void Request<T>(RemotePortFile file, string name, ushort type, ref T body)
        where T : unmanaged
    {
        nmreq_header header = new() { nr_version = NetmapH.NETMAP_API, nr_reqtype = type };
        PortNames.Write(new Span<byte>(header.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ), name);
        fixed (T* there = &body)
        {
            header.nr_body = (ulong)there;
            file.Control(&header, name);
        }
    }

    private void Request<T>(string name, ushort type, ref T body)
        where T : unmanaged
    {
        using RemotePortFile file = new(_users.Server.Host);
        Request(file, name, type, ref body);
    }

    private ResourceAccount Account(uint user)
    {
        Engine core = _users.Server.Engine.Core;
        lock (core.ControlLock)
            return core.Owners.Get(new Credentials(user, []), _ => throw new InvalidOperationException("unknown"), core.Policy.Names).Account;
    }

    private void Share(string name, string users) => Switches(switches => switches.Share(name, users));

    private void Create(uint user, string name) => _users.Switches(user, switches => switches.CreatePort(name, new()));

    private void Delete(string name) => Switches(switches => switches.DeletePort(name));

    private void Switches(Action<HostSwitches> request)
    {
        using HostSwitches switches = new(_users.Server.Host);
        request(switches);
    }
}
