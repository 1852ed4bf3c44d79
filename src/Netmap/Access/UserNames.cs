using System.Globalization;

namespace Netmap.Access;

/// <summary>
/// Users and groups of this machine's files. Directory services are left out on purpose: a look-up there can take seconds, and it would
/// stop every client; such users are known by their numbers.
/// </summary>
internal sealed class UserNames(string passwd = "/etc/passwd", string group = "/etc/group") : IUserNames
{
    private const int NameField = 0;
    private const int NumberField = 2;

    private readonly Lazy<Dictionary<string, uint>> _users = new(() => Read(passwd));
    private readonly Lazy<Dictionary<string, uint>> _groups = new(() => Read(group));

    public uint? FindUser(string name) => Find(_users.Value, name);

    public uint? FindGroup(string name) => Find(_groups.Value, name);

    public string NameOf(uint user)
    {
        foreach ((string name, uint number) in _users.Value)
        {
            if (number == user)
                return name;
        }
        return user.ToString(CultureInfo.InvariantCulture);
    }

    private static uint? Find(Dictionary<string, uint> known, string name) =>
        known.TryGetValue(name, out uint number) || uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out number) ? number : null;

    private static Dictionary<string, uint> Read(string path)
    {
        Dictionary<string, uint> known = [];
        if (!File.Exists(path))
            return known;
        foreach (string[] fields in File.ReadLines(path).Select(line => line.Split(':')))
        {
            if (fields.Length > NumberField && uint.TryParse(fields[NumberField], NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
                known.TryAdd(fields[NameField], number);
        }
        return known;
    }
}
