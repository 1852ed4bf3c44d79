using Netmap.Interop;

namespace Netmap.Vale;

/// <summary>A switch and a port on it: <c>vale0:port</c> (spec 7.1).</summary>
internal readonly record struct ValeName(string Switch, string Port)
{
    public const string Prefix = "vale";
    private const int Longest = 15;

    /// <summary>The name taken apart, or null where it names no switch.</summary>
    public static ValeName? TryParse(string name)
    {
        int colon = name.IndexOf(':');
        if (!IsVale(name) || colon < 0 || colon > Longest || name.Length - colon - 1 > Longest)
            return null;
        for (int i = Prefix.Length; i < colon; i++)
        {
            if (!char.IsAsciiLetterOrDigit(name[i]) && name[i] != '_')
                return null;
        }
        return new(name[..colon], name[(colon + 1)..]);
    }

    /// <summary>Meant as a port of a switch, well formed or not.</summary>
    public static bool IsVale(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>What is wrong with a name that <see cref="TryParse"/> refuses.</summary>
    public static NetmapException Malformed(string name, string operation, Errno errno) => new(errno, operation, name,
        $"a port of a switch is valeSWITCH:PORT, SWITCH of letters, digits and _, at most {Longest} characters on each side of the colon");
}
