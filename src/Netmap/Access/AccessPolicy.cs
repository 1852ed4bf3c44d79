namespace Netmap.Access;

/// <summary>
/// What the administrator has decided: who else administers, who may open which interfaces, who may have ports on which switches, and
/// whose ports others may join. Immutable; replaced as a whole.
/// </summary>
internal sealed class AccessPolicy
{
    private readonly IReadOnlyList<AccessRule> _rules;

    /// <param name="administrators">Beside root and the server's own user.</param>
    /// <param name="rules">In any order: what one of them allows is allowed.</param>
    /// <param name="names">Names of users.</param>
    public AccessPolicy(UserList administrators, IEnumerable<AccessRule> rules, IUserNames names) =>
        (Administrators, _rules, Names) = (administrators, [.. rules], names);

    /// <summary>Nothing beyond the rules that hold without one: root administers, and interfaces are root's.</summary>
    public static AccessPolicy Default { get; } = new(UserList.None, [], new UserNames());

    public UserList Administrators { get; }

    public IUserNames Names { get; }

    /// <summary>A user of a group of administrators, or root.</summary>
    public bool Administers(Credentials who) => who.User == Credentials.Root || Administrators.Has(who);

    /// <summary>Somebody else than an administrator may open this interface, or make this TAP.</summary>
    public bool MayOpenInterface(string name, Credentials who) => Allows(AccessSubject.Interface, name, who);

    /// <summary>Rules name this switch: only their users, and administrators, may make it.</summary>
    public bool Reserves(string vale) => _rules.Any(rule => rule.Subject == AccessSubject.Switch && rule.Fits(vale));

    public bool MayUseSwitch(string vale, Credentials who) => Allows(AccessSubject.Switch, vale, who);

    /// <summary>
    /// The administrator lets these two share the port: both stand in one rule, so that a port of that name which a third user made
    /// is not joined by mistake. What is root's is shared by the rule alone.
    /// </summary>
    public bool MayJoinPort(string port, Credentials owner, Credentials who) => _rules.Any(rule => rule.Subject == AccessSubject.Port
        && rule.Fits(port) && rule.Users.Has(who) && (owner.User == Credentials.Root || rule.Users.Has(owner)));

    private bool Allows(AccessSubject subject, string name, Credentials who) =>
        _rules.Any(rule => rule.Subject == subject && rule.Fits(name) && rule.Users.Has(who));
}

/// <summary>Of what a rule speaks.</summary>
internal enum AccessSubject
{
    /// <summary>A network interface, or a TAP by its name with the prefix.</summary>
    Interface,

    /// <summary>A VALE switch.</summary>
    Switch,

    /// <summary>Another user's port, whose memory is shared.</summary>
    Port,
}

/// <summary>One line of the administrator's.</summary>
/// <param name="Subject">Of what.</param>
/// <param name="Pattern">A name; <c>*</c> stands for any characters.</param>
/// <param name="Users">Who may.</param>
internal sealed record AccessRule(AccessSubject Subject, string Pattern, UserList Users)
{
    public bool Fits(string name) => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(Pattern, name, ignoreCase: false);
}
