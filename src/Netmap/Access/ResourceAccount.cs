using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Access;

/// <summary>
/// What an account holds of an engine, and how much it may. Several users can share one: those of a user's subordinate ids.
/// What is taken is given back by its taker exactly once. Under the control lock.
/// </summary>
/// <param name="name">Of the user who pays, for messages.</param>
internal sealed class ResourceAccount(string name)
{
    public string Name { get; } = name;

    /// <summary>May be lowered below what is held: nothing is taken away, and nothing more is given.</summary>
    public ResourceLimits Limits { get; set; } = ResourceLimits.None;

    public long Memory { get; private set; }

    public int Memories { get; private set; }

    public int Rings { get; private set; }

    public int Switches { get; private set; }

    public int Ports { get; private set; }

    public int Attachments { get; private set; }

    /// <summary>Memory that was given back, until its pages are.</summary>
    public PageReturn Pages { get; } = new();

    /// <exception cref="NetmapException">ENOMEM, naming the limit.</exception>
    public void TakeMemory(long bytes, string? port)
    {
        if (Pages.IsHeldUp)
        {
            throw new NetmapException(Errno.ENOMEM, "open", port,
                $"pages of {Pages.Count} memories of user {Name} are not given back yet, as a program holds their files locked; end it");
        }
        if (bytes > Limits.Memory - Memory)
        {
            throw new NetmapException(Errno.ENOMEM, "open", port,
                $"user {Name} would have {(Memory + bytes) >> 20} MiB of memory of {Limits.Memory >> 20} allowed; close ports, or raise --memory-per-user");
        }
        if (Memories >= Limits.Memories)
            throw TooMany("memories", Memories, port, "--memories-per-user");
        Memory += bytes;
        Memories++;
    }

    public void ReturnMemory(long bytes)
    {
        Memory -= bytes;
        Memories--;
    }

    /// <exception cref="NetmapException">ENOMEM, naming the limit.</exception>
    public void TakeRings(int count, string? port)
    {
        if (count > Limits.Rings - Rings)
        {
            throw new NetmapException(Errno.ENOMEM, "open", port,
                $"user {Name} would have {Rings + count} rings of {Limits.Rings} allowed; close ports, or raise --rings-per-user");
        }
        Rings += count;
    }

    public void ReturnRings(int count) => Rings -= count;

    /// <exception cref="NetmapException">ENOMEM, naming the limit.</exception>
    public void TakeSwitch(string vale)
    {
        if (Switches >= Limits.Switches)
            throw TooMany("switches", Switches, vale, "--switches-per-user");
        Switches++;
    }

    public void ReturnSwitch() => Switches--;

    /// <exception cref="NetmapException">ENOMEM, naming the limit.</exception>
    public void TakePort(string port)
    {
        if (Ports >= Limits.Ports)
            throw TooMany("persistent ports", Ports, port, "--ports-per-user");
        Ports++;
    }

    public void ReturnPort() => Ports--;

    /// <exception cref="NetmapException">ENOMEM, naming the limit.</exception>
    public void TakeAttachment(string port)
    {
        if (Attachments >= Limits.Attachments)
            throw TooMany("interfaces on switches", Attachments, port, "--attachments-per-user");
        Attachments++;
    }

    public void ReturnAttachment() => Attachments--;

    private NetmapException TooMany(string what, int count, string? port, string option) => new(Errno.ENOMEM, "open", port,
        $"user {Name} has {count} {what}, as many as allowed; give some back, or raise {option}");
}
