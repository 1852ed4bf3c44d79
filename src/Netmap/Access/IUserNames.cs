namespace Netmap.Access;

/// <summary>Names of users and groups, and their numbers.</summary>
internal interface IUserNames
{
    /// <summary>uid of a name, or of a number; null for a name that does not exist.</summary>
    uint? FindUser(string name);

    /// <summary>gid, as <see cref="FindUser"/>.</summary>
    uint? FindGroup(string name);

    /// <summary>The name, or the number where it has none.</summary>
    string NameOf(uint user);
}
