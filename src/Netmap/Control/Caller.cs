using Netmap.Access;

namespace Netmap.Control;

/// <summary>On whose behalf a request is made, and what that user agrees to.</summary>
/// <param name="Engine">Where.</param>
/// <param name="Owner">Whose what it makes will be.</param>
/// <param name="Who">The process's user and groups.</param>
internal sealed record Caller(Engine Engine, Owner Owner, Credentials Who)
{
    /// <summary>In the engine's own domain: this process, or a server for one user. All is allowed, and all is one owner's.</summary>
    public bool IsTrusted { get; init; }

    /// <summary>With whom the ports it opens are shared, their memory included.</summary>
    public UserList Shares { get; init; } = UserList.None;

    /// <summary>The user whose port, and whose memory, it agrees to use; null for none but its own.</summary>
    public uint? Joins { get; init; }

    /// <summary>Root, the server's own user, or one of the administrators.</summary>
    public bool Administers => IsTrusted || Owner == Engine.Owners.Self || Engine.Policy.Administers(Who);
}
