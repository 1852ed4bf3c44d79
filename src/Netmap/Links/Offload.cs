using Netmap.Interop;

namespace Netmap.Links;

/// <summary>An offload that can be switched: the ethtool commands behind its name.</summary>
/// <param name="Name">As in <see cref="NetworkNamespace.SetOffload"/>.</param>
/// <param name="Get">ETHTOOL_G… command.</param>
/// <param name="Set">ETHTOOL_S… command.</param>
/// <param name="Mask">Bits of the answer that mean "on".</param>
internal sealed record Offload(string Name, uint Get, uint Set, uint Mask = uint.MaxValue)
{
    public static readonly Offload TxChecksum = new("tx-checksum", LinuxEthtool.ETHTOOL_GTXCSUM, LinuxEthtool.ETHTOOL_STXCSUM);
    public static readonly Offload Tso = new("tso", LinuxEthtool.ETHTOOL_GTSO, LinuxEthtool.ETHTOOL_STSO);
    public static readonly Offload Gso = new("gso", LinuxEthtool.ETHTOOL_GGSO, LinuxEthtool.ETHTOOL_SGSO);
    public static readonly Offload Gro = new("gro", LinuxEthtool.ETHTOOL_GGRO, LinuxEthtool.ETHTOOL_SGRO);
    public static readonly Offload RxVlan = Flag("rx-vlan", LinuxEthtool.ETH_FLAG_RXVLAN);
    public static readonly Offload TxVlan = Flag("tx-vlan", LinuxEthtool.ETH_FLAG_TXVLAN);

    public static readonly IReadOnlyList<Offload> All = [TxChecksum, Tso, Gso, Gro, RxVlan, TxVlan];

    /// <summary>True when the offload is one bit of the ETHTOOL_SFLAGS word.</summary>
    public bool IsFlag => Set == LinuxEthtool.ETHTOOL_SFLAGS;

    private static Offload Flag(string name, uint mask) =>
        new(name, LinuxEthtool.ETHTOOL_GFLAGS, LinuxEthtool.ETHTOOL_SFLAGS, mask);
}
