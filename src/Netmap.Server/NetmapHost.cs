using System.Text;
using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>A running server, from a client's side: what it tells of itself, and its parameters.</summary>
public static class NetmapHost
{
    /// <summary>Where `netmapd` is unless it was told otherwise.</summary>
    public const string Default = "/run/netmap/netmapd.sock";

    /// <summary>The server's parameters (spec 1.5).</summary>
    /// <param name="host">Its address.</param>
    /// <param name="assignment"><c>name=value</c> to set one, <c>name</c> to read one, empty for all.</param>
    /// <returns>One <c>name=value</c> a line.</returns>
    /// <exception cref="NetmapException">No server there; EINVAL, EPERM, EBUSY.</exception>
    public static string Parameter(string host, string assignment) => Ask(host, NmsH.NMS_PARAMETER, assignment);

    /// <summary>The server's state, a JSON object.</summary>
    /// <exception cref="NetmapException">No server there.</exception>
    public static string Status(string host)
    {
        using RemotePortFile file = new(host);
        return StatusJson.Collect(known => Encoding.UTF8.GetString(file.Ask(NmsH.NMS_STATUS, known, null)));
    }

    private static string Ask(string host, ushort type, string words)
    {
        using RemotePortFile file = new(host);
        return Encoding.UTF8.GetString(file.Ask(type, words, words.Length > 0 ? words : null));
    }
}
