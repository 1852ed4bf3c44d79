namespace Netmap.Access;

/// <summary>Who asks: the user and the groups of a process, as the kernel tells them of its socket.</summary>
/// <param name="User">uid.</param>
/// <param name="Groups">gid and supplementary groups.</param>
internal sealed record Credentials(uint User, IReadOnlyCollection<uint> Groups)
{
    public const uint Root = 0;
}
