using Netmap.Interop;

namespace Netmap.Access;

/// <summary>Users and groups, as an owner or an administrator names them: <c>alice+%capture</c>, numbers too, <c>*</c> for every user.</summary>
internal sealed class UserList
{
    private readonly HashSet<uint> _users = [];
    private readonly HashSet<uint> _groups = [];
    private readonly string _words;
    private bool _everyone;

    private UserList(string words) => _words = words;

    /// <summary>No user.</summary>
    public static UserList None { get; } = new("");

    public static UserList Everyone { get; } = new("*") { _everyone = true };

    public bool IsEmpty => !_everyone && _users.Count == 0 && _groups.Count == 0;

    /// <summary>Reads a list.</summary>
    /// <param name="words">Names or numbers of users, groups with <c>%</c> before them, as sudo has them: <c>@</c> begins an option in a port's name.</param>
    /// <param name="names">Where names are looked up.</param>
    /// <exception cref="NetmapException">EINVAL there is no such user or group.</exception>
    public static UserList Of(IEnumerable<string> words, IUserNames names)
    {
        string[] all = [.. words];
        UserList list = new(string.Join('+', all));
        foreach (string word in all)
        {
            if (word == "*")
                list._everyone = true;
            else if (word.StartsWith('%'))
                list._groups.Add(names.FindGroup(word[1..]) ?? throw Unknown("group", word[1..]));
            else
                list._users.Add(names.FindUser(word) ?? throw Unknown("user", word));
        }
        return list;
    }

    /// <summary>Reads a list in one word, as it stands in a port's name: names joined by <c>+</c>.</summary>
    /// <inheritdoc cref="Of"/>
    public static UserList Parse(string text, IUserNames names) =>
        Of(text.Split('+', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), names);

    public bool Has(Credentials who) => _everyone || _users.Contains(who.User) || who.Groups.Any(_groups.Contains);

    /// <summary>As it was written.</summary>
    public override string ToString() => _words;

    private static NetmapException Unknown(string what, string name) => new(Errno.EINVAL, "read users", null, $"there is no {what} '{name}' here");
}
