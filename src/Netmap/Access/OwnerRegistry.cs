namespace Netmap.Access;

/// <summary>The owners of an engine. Under the control lock, but for <see cref="Self"/>.</summary>
internal sealed class OwnerRegistry
{
    private readonly Dictionary<uint, Owner> _byUser = [];

    /// <param name="user">uid of this process: what the process itself makes is that user's.</param>
    public OwnerRegistry(uint user)
    {
        string name = AccessPolicy.Default.Names.NameOf(user);
        Self = new Owner(user, name, new ResourceAccount(name));
        _byUser.Add(user, Self);
    }

    /// <summary>The user of this process.</summary>
    public Owner Self { get; }

    /// <summary>The owner that a process stands for; made when its user comes first.</summary>
    /// <param name="who">The process.</param>
    /// <param name="account">The account that pays for a user who was not known.</param>
    /// <param name="names">For the owner's name.</param>
    public Owner Get(Credentials who, Func<uint, ResourceAccount> account, IUserNames names)
    {
        if (!_byUser.TryGetValue(who.User, out Owner? owner))
            _byUser.Add(who.User, owner = new Owner(who.User, names.NameOf(who.User), account(who.User)));
        owner.Who = who;
        return owner;
    }
}
