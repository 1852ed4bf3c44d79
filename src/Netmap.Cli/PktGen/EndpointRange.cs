using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Numerics;
using Netmap.Cli.Common;

namespace Netmap.Cli.PktGen;

/// <summary><c>ip[:port][-ip[:port]]</c>: addresses and ports a generator cycles through; port 1234 by default.</summary>
internal sealed record EndpointRange(IPAddress First, IPAddress Last, int FirstPort, int LastPort)
{
    private const int DefaultPort = 1234;

    public bool IsSingle => First.Equals(Last) && FirstPort == LastPort;

    /// <exception cref="UsageException">No such address or port, or the range runs backwards.</exception>
    public static EndpointRange Parse(string text)
    {
        int dash = text.IndexOf('-');
        (IPAddress first, int firstPort) = One(dash < 0 ? text : text[..dash], text, DefaultPort);
        (IPAddress last, int lastPort) = dash < 0 ? (first, firstPort) : One(text[(dash + 1)..], text, firstPort);
        if (first.AddressFamily != last.AddressFamily || Number(first) > Number(last) || firstPort > lastPort)
            throw new UsageException($"'{text}': the range runs backwards or mixes IPv4 and IPv6");
        return new(first, last, firstPort, lastPort);
    }

    /// <summary>The address after this one, in network byte order; the two may be the same memory.</summary>
    public static void Step(ReadOnlySpan<byte> address, Span<byte> next)
    {
        address.CopyTo(next);
        for (int i = next.Length - 1; i >= 0 && ++next[i] == 0;)
            i--;
    }

    private static BigInteger Number(IPAddress address) => new(address.GetAddressBytes(), isUnsigned: true, isBigEndian: true);

    private static (IPAddress Address, int Port) One(string part, string whole, int port)
    {
        if (TryAddress(part, out IPAddress? address))
            return (address, port);
        int colon = part.LastIndexOf(':');
        string host = colon < 0 ? part : part[..colon].Trim('[', ']');
        return colon > 0 && TryAddress(host, out address) && ushort.TryParse(part[(colon + 1)..], out ushort given)
            ? (address, given)
            : throw new UsageException($"'{whole}' is not ip[:port][-ip[:port]]");
    }

    /// <summary>No short forms: 10.0.1 is a mistake here, not 10.0.0.1.</summary>
    private static bool TryAddress(string text, [NotNullWhen(true)] out IPAddress? address) =>
        IPAddress.TryParse(text, out address) && (text.Count('.') == 3 || text.Count(':') > 1);
}
