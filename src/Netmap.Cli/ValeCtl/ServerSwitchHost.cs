using Netmap.Server;

namespace Netmap.Cli.ValeCtl;

/// <summary>A running netmapd hosts the switches: what is done to them stays.</summary>
internal sealed class ServerSwitchHost(string host) : ISwitchHost
{
    private readonly HostSwitches _switches = new(host);

    public bool IsOwn => false;

    public int Attach(string port, bool hostRings, int memory) => _switches.Attach(port, hostRings, memory);

    public int Detach(string port) => _switches.Detach(port);

    public SwitchPortAddress Find(string port) => _switches.Find(port);

    public IReadOnlyList<SwitchPortAddress> List() => _switches.List();

    public PersistentPort CreatePort(string name, PersistentPort shape) => _switches.CreatePort(name, shape);

    public void DeletePort(string name) => _switches.DeletePort(name);

    public void EnablePolling(string port, PollingOptions options) => _switches.EnablePolling(port, options);

    public void DisablePolling(string port) => _switches.DisablePolling(port);

    public PortInfo Info(string port) => NetmapPort.QueryHost(port, host);

    public void Share(string name, string users) => _switches.Share(name, users);

    public SwitchStatistics Statistics(string name) => _switches.GetStatistics(name);

    public void Dispose() => _switches.Dispose();
}
