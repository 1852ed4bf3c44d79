using Netmap.Access;
using Netmap.Adapters;
using Netmap.Interop;
using Netmap.Vale;

namespace Netmap.Control;

/// <summary>
/// Who may do what (docs/ownership.md): the one place that decides. Every object has an owner; an administrator may change all of them; memory
/// is shared only where both sides agreed. Under the control lock.
/// </summary>
internal static class Permission
{
    /// <summary>To open an interface of the system, or to make a TAP.</summary>
    /// <exception cref="NetmapException">EACCES.</exception>
    public static void OpenInterface(Caller caller, string name)
    {
        if (caller.Administers || caller.Engine.Policy.MayOpenInterface(name, caller.Who))
            return;
        throw Refused(Errno.EACCES, "open", name,
            $"interfaces are for administrators, and user {caller.Owner} is none; {Line($"interface {name} {caller.Owner}")} would allow it");
    }

    /// <summary>To make a switch of this name.</summary>
    /// <exception cref="NetmapException">EACCES.</exception>
    private static void MakeSwitch(Caller caller, string name)
    {
        AccessPolicy policy = caller.Engine.Policy;
        if (caller.Administers || !policy.Reserves(name) || policy.MayUseSwitch(name, caller.Who))
            return;
        throw Refused(Errno.EACCES, "make switch", name,
            $"the administrator keeps this name for others than user {caller.Owner}; {Line($"switch {name} {caller.Owner}")} would allow it");
    }

    /// <summary>To have a port on a switch of this name, there already or to be made.</summary>
    /// <exception cref="NetmapException">EACCES.</exception>
    public static void HavePort(Caller caller, string name)
    {
        if (caller.Engine.Switches.Find(name) is { } vale)
            UseSwitch(caller, vale);
        else
            MakeSwitch(caller, name);
    }

    /// <summary>To have a port on a switch: it sees what is flooded there. Frames are copied, so no memory is shared.</summary>
    /// <exception cref="NetmapException">EACCES.</exception>
    private static void UseSwitch(Caller caller, ValeSwitch vale)
    {
        if (caller.Owner == vale.Owner || caller.Administers || vale.SharedWith.Has(caller.Who)
            || caller.Engine.Policy.MayUseSwitch(vale.Name, caller.Who))
            return;
        throw Refused(Errno.EACCES, "use switch", vale.Name,
            $"it belongs to user {vale.Owner}, who can share it (vale-ctl --share {vale.Name}={caller.Owner}); "
            + $"{Line($"switch {vale.Name} {vale.Owner} {caller.Owner}")} would allow it, too");
    }

    /// <summary>To use a port in its owner's memory: its rings, a pipe on it, a monitor that exchanges buffers with it.</summary>
    /// <exception cref="NetmapException">EACCES.</exception>
    public static void Join(Caller caller, NetmapAdapter port)
    {
        Owner owner = port.Owner;
        if (caller.Owner == owner || caller.Engine.Policy.MayJoinPort(port.Name, owner.Who, caller.Who))
            return;
        if (!caller.Administers && !port.SharedWith.Has(caller.Who))
            throw NotShared(caller, port, "open");
        if (caller.Joins != owner.User)
        {
            throw Refused(Errno.EACCES, "open", port.Name,
                $"it belongs to user {owner}, and what you do on it lies in that user's memory; agree to that with @conf:owner={owner}, "
                + $"a C program with NETMAP_OWNER={owner}");
        }
    }

    /// <summary>To see a copy of what passes a port.</summary>
    /// <exception cref="NetmapException">EACCES.</exception>
    public static void Watch(Caller caller, NetmapAdapter port)
    {
        if (caller.Owner == port.Owner || caller.Administers || port.SharedWith.Has(caller.Who)
            || caller.Engine.Policy.MayJoinPort(port.Name, port.Owner.Who, caller.Who))
            return;
        throw NotShared(caller, port, "monitor");
    }

    /// <summary>To change or remove what somebody made: attachments, persistent ports, header lengths, the mode of a switch.</summary>
    /// <exception cref="NetmapException">EPERM.</exception>
    public static void Change(Caller caller, Owner owner, string operation, string name)
    {
        if (caller.Owner == owner || caller.Administers)
            return;
        throw Refused(Errno.EPERM, operation, name, $"it belongs to user {owner}; only that user and administrators may do this");
    }

    /// <summary>
    /// To put a persistent port on a switch. Its owner sees there what is flooded, so an administrator has to name the owner: the port may
    /// have the name of an interface that was expected.
    /// </summary>
    /// <exception cref="NetmapException">EPERM it is another user's; EACCES an administrator has not named its owner.</exception>
    public static void AttachPort(Caller caller, NetmapAdapter port, string name)
    {
        Owner owner = port.Owner;
        Change(caller, owner, "attach", name);
        if (caller.Owner != owner && caller.Joins != owner.User)
        {
            throw Refused(Errno.EACCES, "attach", name,
                $"{port.Name} is no interface, but a persistent port of user {owner}, who would be on the switch; "
                + $"delete it (vale-ctl -r {port.Name}), or agree to that with NETMAP_OWNER={owner}");
        }
    }

    /// <summary>To do what costs the whole machine: processors of one's own, the engine's parameters.</summary>
    /// <exception cref="NetmapException">EPERM.</exception>
    public static void Administer(Caller caller, string operation, string? name)
    {
        if (!caller.Administers)
            throw Refused(Errno.EPERM, operation, name, "only root, the server's own user and its administrators may do this");
    }

    private static NetmapException NotShared(Caller caller, NetmapAdapter port, string operation) => Refused(Errno.EACCES, operation, port.Name,
        $"it belongs to user {port.Owner}, who can share it (@conf:users={caller.Owner}); "
        + $"{Line($"port {port.Name} {port.Owner} {caller.Owner}")} would allow it, too");

    /// <summary>What an administrator would write.</summary>
    private static string Line(string rule) => $"the line '{rule}' in netmapd's configuration";

    private static NetmapException Refused(Errno errno, string operation, string? name, string reason) => new(errno, operation, name, reason);
}
