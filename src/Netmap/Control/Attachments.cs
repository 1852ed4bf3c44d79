using Netmap.Vale;

namespace Netmap.Control;

/// <summary>The interfaces that belong to switches. Under the control lock.</summary>
internal sealed class Attachments
{
    private readonly List<Attachment> _all = [];

    /// <summary>The attachment a port is part of, or null for a software port.</summary>
    public Attachment? Of(SwitchPort port) => _all.Find(attachment => attachment.Nic == port || attachment.Host == port);

    public void Add(Attachment attachment) => _all.Add(attachment);

    public void Remove(Attachment attachment)
    {
        if (_all.Remove(attachment))
            attachment.Close();
    }

    /// <summary>Gives every interface back, the last attached first: a port on two switches was attached to the second one later.</summary>
    public void Clear()
    {
        while (_all.Count > 0)
            Remove(_all[^1]);
    }
}
