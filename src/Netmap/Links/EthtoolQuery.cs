using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>What a driver tells about itself (<c>linux/ethtool.h</c>), and its offload switches.</summary>
internal static unsafe class EthtoolQuery
{
    /// <summary>As the kernel calls them, and as ethtool's manual does.</summary>
    private static readonly Dictionary<string, string> s_tagFeatures = new()
    {
        ["rx-vlan-hw-parse"] = "rxvlan",
        ["rx-vlan-stag-hw-parse"] = "rx-vlan-stag-hw-parse",
    };

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

    /// <summary>The link is there now; interface flags learn of it up to a second later. True where the driver does not tell.</summary>
    public static bool HasCarrier(int socket, int index)
    {
        ethtool_value link = new() { cmd = LinuxEthtool.ETHTOOL_GLINK };
        SysResult asked = InterfaceQuery.Ethtool(socket, index, &link);
        return asked.IsError ? asked.Errno != Errno.ENODEV : link.data != 0;
    }

    /// <summary>
    /// The offloads that have the driver take VLAN tags out of received frames and keep them beside, as far as they are on; none
    /// where tags stay in. Null where the kernel does not tell.
    /// </summary>
    public static IReadOnlyList<string>? TagOffloads(int socket, string name)
    {
        if (FeatureNames(socket, name) is not { } names)
            return null;
        byte[] answer = new byte[sizeof(ethtool_gfeatures) + (((names.Length + 31) / 32) * sizeof(ethtool_get_features_block))];
        Span<ethtool_get_features_block> blocks = MemoryMarshal.Cast<byte, ethtool_get_features_block>(answer.AsSpan(sizeof(ethtool_gfeatures)));
        fixed (byte* bytes = answer)
        {
            *(ethtool_gfeatures*)bytes = new() { cmd = LinuxEthtool.ETHTOOL_GFEATURES, size = (uint)blocks.Length };
            if (InterfaceQuery.Ethtool(socket, name, bytes).IsError)
                return null;
        }
        List<string> on = [];
        foreach ((int i, string feature) in names.Index())
        {
            if ((blocks[i / 32].active & (1u << (i % 32))) != 0 && s_tagFeatures.TryGetValue(feature, out string? offload))
                on.Add(offload);
        }
        return on;
    }

    /// <summary>1 when the offload is on, 0 when off; EINVAL for a name that <see cref="SetOffload"/> does not know.</summary>
    public static SysResult GetOffload(int socket, string name, string offload)
    {
        (uint get, _, uint bits) = Commands(offload);
        SysResult asked = Value(socket, name, get, 0, out uint state);
        return asked.IsError ? asked : SysResult.Ok((state & bits) != 0 ? 1 : 0);
    }

    /// <summary>
    /// Switches an offload; the names are those of <c>ethtool -K</c>. The kernel notes a wish it cannot fulfil and says
    /// nothing, so the state is read back: EOPNOTSUPP when it is another.
    /// </summary>
    public static SysResult SetOffload(int socket, string name, string offload, bool on)
    {
        (uint get, uint set, uint bits) = Commands(offload);
        SysResult result = Value(socket, name, get, 0, out uint state);
        if (result.IsError)
            return result;
        // Flags are set all at once; the other commands take 0 or 1.
        uint wanted = set == LinuxEthtool.ETHTOOL_SFLAGS ? (on ? state | bits : state & ~bits) : on ? 1u : 0u;
        result = Value(socket, name, set, wanted, out _);
        if (result.IsError)
            return result;
        result = GetOffload(socket, name, offload);
        return result.IsError || result.Value == (on ? 1 : 0) ? result : SysResult.Error(Errno.EOPNOTSUPP);
    }

    /// <summary>The command that asks, the one that sets, and the bits of the answer that mean "on".</summary>
    private static (uint Get, uint Set, uint Bits) Commands(string offload) => offload switch
    {
        "tx-checksum" => (LinuxEthtool.ETHTOOL_GTXCSUM, LinuxEthtool.ETHTOOL_STXCSUM, uint.MaxValue),
        "tso" => (LinuxEthtool.ETHTOOL_GTSO, LinuxEthtool.ETHTOOL_STSO, uint.MaxValue),
        "gso" => (LinuxEthtool.ETHTOOL_GGSO, LinuxEthtool.ETHTOOL_SGSO, uint.MaxValue),
        "gro" => (LinuxEthtool.ETHTOOL_GGRO, LinuxEthtool.ETHTOOL_SGRO, uint.MaxValue),
        "rx-vlan" => (LinuxEthtool.ETHTOOL_GFLAGS, LinuxEthtool.ETHTOOL_SFLAGS, LinuxEthtool.ETH_FLAG_RXVLAN),
        "tx-vlan" => (LinuxEthtool.ETHTOOL_GFLAGS, LinuxEthtool.ETHTOOL_SFLAGS, LinuxEthtool.ETH_FLAG_TXVLAN),
        _ => default,
    };

    /// <summary>What the bits of features are called, in their order; null where the kernel does not tell.</summary>
    private static string[]? FeatureNames(int socket, string name)
    {
        byte* set = stackalloc byte[sizeof(ethtool_sset_info) + sizeof(uint)];
        *(ethtool_sset_info*)set = new() { cmd = LinuxEthtool.ETHTOOL_GSSET_INFO, sset_mask = 1ul << (int)LinuxEthtool.ETH_SS_FEATURES };
        if (InterfaceQuery.Ethtool(socket, name, set).IsError)
            return null;
        string[] names = new string[*(uint*)(set + sizeof(ethtool_sset_info))];
        byte[] answer = new byte[sizeof(ethtool_gstrings) + (names.Length * LinuxEthtool.ETH_GSTRING_LEN)];
        fixed (byte* bytes = answer)
        {
            *(ethtool_gstrings*)bytes = new() { cmd = LinuxEthtool.ETHTOOL_GSTRINGS, string_set = LinuxEthtool.ETH_SS_FEATURES };
            if (InterfaceQuery.Ethtool(socket, name, bytes).IsError)
                return null;
            for (int i = 0; i < names.Length; i++)
                names[i] = InterfaceQuery.Text(bytes + sizeof(ethtool_gstrings) + (i * LinuxEthtool.ETH_GSTRING_LEN), LinuxEthtool.ETH_GSTRING_LEN);
        }
        return names;
    }

    private static SysResult Value(int socket, string name, uint command, uint data, out uint answer)
    {
        ethtool_value value = new() { cmd = command, data = data };
        SysResult result = command == 0 ? SysResult.Error(Errno.EINVAL) : InterfaceQuery.Ethtool(socket, name, &value);
        answer = value.data;
        return result;
    }
}
