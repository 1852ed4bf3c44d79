using Netmap.Cli.Common;

namespace Netmap.Cli.ValeCtl;

/// <summary>Whoever hosts the switches: all that vale-ctl asks for goes through here.</summary>
internal interface ISwitchHost : IDisposable
{
    /// <summary>What was attached or made goes when this process ends.</summary>
    bool IsOwn { get; }

    int Attach(string port, bool host, int memory);

    int Detach(string port);

    SwitchPortAddress Find(string port);

    IReadOnlyList<SwitchPortAddress> List();

    PersistentPort CreatePort(string name, PersistentPort shape);

    void DeletePort(string name);

    void EnablePolling(string port, PollingOptions options);

    void DisablePolling(string port);

    PortInfo Info(string port);

    /// <summary>Says who may have ports on a switch beside its owner.</summary>
    void Share(string name, string users);

    /// <summary>What a switch has counted, and whose it is.</summary>
    SwitchStatistics Statistics(string name);
}

/// <summary>This process itself hosts the switches, for as long as it runs.</summary>
internal sealed class OwnEngine : ISwitchHost
{
    private readonly NetmapEngine _engine = new();

    public bool IsOwn => true;

    public int Attach(string port, bool host, int memory) =>
        NetmapControl.Attach(port, new AttachOptions { Host = host, MemoryId = memory }, _engine);

    public int Detach(string port) => NetmapControl.Detach(port, _engine);

    public SwitchPortAddress Find(string port) => NetmapControl.Find(port, _engine);

    public IReadOnlyList<SwitchPortAddress> List() => NetmapControl.List(_engine);

    public PersistentPort CreatePort(string name, PersistentPort shape) => NetmapControl.CreatePort(name, shape, _engine);

    public void DeletePort(string name) => NetmapControl.DeletePort(name, _engine);

    public void EnablePolling(string port, PollingOptions options) => NetmapControl.EnablePolling(port, options, _engine);

    public void DisablePolling(string port) => NetmapControl.DisablePolling(port, _engine);

    public PortInfo Info(string port) => NetmapPort.Query(port, _engine);

    /// <summary>All that this process hosts is its own.</summary>
    public void Share(string name, string users) => throw new UsageException("--share is for the switches of a server: add --host");

    public SwitchStatistics Statistics(string name)
    {
        using NetmapSwitch vale = NetmapSwitch.Create(name, engine: _engine);
        return vale.GetStatistics();
    }

    public void Dispose() => _engine.Dispose();
}
