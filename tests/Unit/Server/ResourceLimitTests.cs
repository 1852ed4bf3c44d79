namespace Netmap.Tests.Unit.Server;

/// <summary>A user who takes without end runs out alone.</summary>
public sealed class ResourceLimitTests : IDisposable
{
    private const uint Greedy = ManyUsers.Alice;
    private const uint Modest = ManyUsers.Bob;

    private readonly ManyUsers _users = new(options => options with
    {
        MemoriesPerUser = 12,
        SwitchesPerUser = 3,
        PortsPerUser = 4,
        RingsPerUser = 20,
        MemoryPerUser = 600 << 20,
    });

    public void Dispose() => _users.Dispose();

    [Fact]
    public void PersistentPorts()
    {
        TakeAll("--ports-per-user", 4, i => _users.Switches(Greedy, switches => switches.CreatePort($"g{i}", new())));
        _users.Switches(Modest, switches => switches.CreatePort("m", new()));
    }

    [Fact]
    public void Switches()
    {
        List<NetmapPort> ports = [];
        TakeAll("--switches-per-user", 3, i => ports.Add(_users.Open(Greedy, $"vale{i}:g")));
        using NetmapPort modest = _users.Open(Modest, "vale9:m");
        ports.ForEach(port => port.Dispose());
    }

    [Fact]
    public void Rings()
    {
        List<NetmapPort> ports = [];
        TakeAll("--rings-per-user", 10, i => ports.Add(_users.Open(Greedy, "vale0:g")));
        using NetmapPort modest = _users.Open(Modest, "vale9:m");
        ports.ForEach(port => port.Dispose());
    }

    [Fact]
    public void Memories()
    {
        List<NetmapPort> ports = [];
        TakeAll("--memor", 12, i => ports.Add(_users.Open(Greedy, $"vale0:g{i}/T")));
        using NetmapPort modest = _users.Open(Modest, "vale9:m");
        ports.ForEach(port => port.Dispose());
    }

    [Fact]
    public void MemoryOfARefusedPortIsGivenBack()
    {
        for (int i = 0; i < 40; i++)
            Assert.Equal("ENOMEM", _users.Refused(Greedy, "vale0:g", new() { ExtraBuffers = 400_000 }).ErrorName);
        using NetmapPort port = _users.Open(Greedy, "vale0:g");
    }

    [Fact]
    public void SwitchesOfOneUserAreNotCountedForAnother()
    {
        List<NetmapPort> ports = [];
        for (uint user = ManyUsers.Alice; user < ManyUsers.Alice + 5; user++)
        {
            for (int i = 0; i < 3; i++)
                ports.Add(_users.Open(user, $"vale{user}{i}:g"));
        }
        Assert.Equal(15, ports.Select(port => port.Info.MemoryId).Distinct().Count());
        ports.ForEach(port => port.Dispose());
    }

    /// <summary>At most so often, then a refusal that names the option.</summary>
    private void TakeAll(string option, int most, Action<int> take)
    {
        int taken = 0;
        NetmapException? refused = null;
        while (refused is null)
        {
            try
            {
                take(taken);
                taken++;
            }
            catch (NetmapException e)
            {
                refused = e;
            }
            Assert.InRange(taken, 0, most);
        }
        Assert.Equal("ENOMEM", refused.ErrorName);
        Assert.Contains(option, refused.Message);
        Assert.NotEqual(0, taken);
    }
}
