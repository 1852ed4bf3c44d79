using System.Globalization;

namespace Netmap.Server;

/// <summary>
/// Whose users are whose: user ids that /etc/subuid gives to a user for its namespaces count as that user, who else would have as many
/// accounts as ids. Read anew when the file has changed.
/// </summary>
internal sealed class SubordinateUsers(string ranges = "/etc/subuid", string users = "/etc/passwd")
{
    private List<(uint First, uint Count, uint User)> _ranges = [];
    private DateTime _read;

    /// <summary>The user that this one belongs to; itself as a rule.</summary>
    public uint OwnerOf(uint user)
    {
        DateTime written = File.GetLastWriteTimeUtc(ranges);
        if (written != _read)
            (_ranges, _read) = (Read(), written);
        foreach ((uint first, uint count, uint owner) in _ranges)
            if (user - first < count && user >= first)
                return owner;
        return user;
    }

    private List<(uint First, uint Count, uint User)> Read()
    {
        List<(uint, uint, uint)> found = [];
        Dictionary<string, uint> known = [];
        foreach (string[] entry in Entries(users, 4))
            if (TryNumber(entry[2], out uint id))
                known.TryAdd(entry[0], id);
        foreach (string[] entry in Entries(ranges, 3))
            if ((known.TryGetValue(entry[0], out uint owner) || TryNumber(entry[0], out owner))
                && TryNumber(entry[1], out uint first) && TryNumber(entry[2], out uint count))
                found.Add((first, count, owner));
        return found;
    }

    private static bool TryNumber(string text, out uint number) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static IEnumerable<string[]> Entries(string path, int fields)
    {
        try
        {
            return File.ReadAllLines(path).Select(line => line.Split(':')).Where(entry => entry.Length >= fields);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
