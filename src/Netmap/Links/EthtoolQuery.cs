using Netmap.Interop;

namespace Netmap.Links;

/// <summary>What a driver tells about itself (<c>linux/ethtool.h</c>), and its offload switches.</summary>
internal static unsafe class EthtoolQuery
{
    /// <summary>Descriptors per ring: the current ones, or the most there can be where the driver gives 0; 0 = not told.</summary>
    public static (int Tx, int Rx) RingSizes(int socket, string name)
    {
        ethtool_ringparam rings = new() { cmd = LinuxEthtool.ETHTOOL_GRINGPARAM };
        if (InterfaceQuery.Ethtool(socket, name, &rings).IsError)
            return (0, 0);
        return ((int)(rings.tx_pending > 0 ? rings.tx_pending : rings.tx_max_pending),
            (int)(rings.rx_pending > 0 ? rings.rx_pending : rings.rx_max_pending));
    }

    /// <summary>Channels in each direction, combined ones counted for both; 0 = not told.</summary>
    public static (int Tx, int Rx) Channels(int socket, string name)
    {
        ethtool_channels channels = new() { cmd = LinuxEthtool.ETHTOOL_GCHANNELS };
        if (InterfaceQuery.Ethtool(socket, name, &channels).IsError)
            return (0, 0);
        return ((int)(channels.tx_count > 0 ? channels.tx_count : channels.combined_count),
            (int)(channels.rx_count > 0 ? channels.rx_count : channels.combined_count));
    }

    /// <summary>The driver's name, or empty.</summary>
    public static string Driver(int socket, string name)
    {
        ethtool_drvinfo info = new() { cmd = LinuxEthtool.ETHTOOL_GDRVINFO };
        return InterfaceQuery.Ethtool(socket, name, &info).IsError ? "" : InterfaceQuery.Text(info.driver, 32);
    }

    /// <summary>Switches an offload; the names are those of <c>ethtool -K</c>.</summary>
    public static SysResult SetOffload(int socket, string name, string offload, bool on)
    {
        uint command = offload switch
        {
            "tx-checksum" => LinuxEthtool.ETHTOOL_STXCSUM,
            "tso" => LinuxEthtool.ETHTOOL_STSO,
            "gso" => LinuxEthtool.ETHTOOL_SGSO,
            "gro" => LinuxEthtool.ETHTOOL_SGRO,
            "rx-vlan" or "tx-vlan" => LinuxEthtool.ETHTOOL_SFLAGS,
            _ => 0,
        };
        if (command == 0)
            return SysResult.Error(Errno.EINVAL);
        ethtool_value value = new() { cmd = command, data = on ? 1u : 0u };
        if (command == LinuxEthtool.ETHTOOL_SFLAGS)
        {
            ethtool_value flags = new() { cmd = LinuxEthtool.ETHTOOL_GFLAGS };
            SysResult asked = InterfaceQuery.Ethtool(socket, name, &flags);
            if (asked.IsError)
                return asked;
            uint bit = offload == "rx-vlan" ? LinuxEthtool.ETH_FLAG_RXVLAN : LinuxEthtool.ETH_FLAG_TXVLAN;
            value.data = on ? flags.data | bit : flags.data & ~bit;
        }
        return InterfaceQuery.Ethtool(socket, name, &value);
    }
}
