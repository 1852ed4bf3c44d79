namespace Netmap.Access;

/// <summary>
/// The user whose memory, ports, switches and attachments something is. One object for each user of an engine, so that owners are
/// compared by reference.
/// </summary>
/// <param name="user">uid.</param>
/// <param name="name">The user's name, or its number.</param>
/// <param name="account">Who pays.</param>
internal sealed class Owner(uint user, string name, ResourceAccount account)
{
    /// <summary>Of memory that stands alone, outside of an engine.</summary>
    public static Owner Alone { get; } = new(Credentials.Root, "root", new ResourceAccount("root"));

    public uint User { get; } = user;

    public string Name { get; } = name;

    public ResourceAccount Account { get; } = account;

    /// <summary>With the groups that its last process to come had.</summary>
    public Credentials Who { get; set; } = new(user, []);

    public override string ToString() => Name;
}
