using Netmap.Access;
using Netmap.Adapters;
using Netmap.Adapters.Generic;
using Netmap.Devices;
using Netmap.Interop;
using Netmap.Links;
using Netmap.Rings;
using Netmap.Vale;

namespace Netmap.Control;

/// <summary>
/// An interface that belongs to a switch (spec 7.3): the binding of its rings, its ports on the switch, and the thread
/// that forwards. Made as a whole or not at all. Under the control lock.
/// </summary>
internal sealed class Attachment
{
    private readonly ValeSwitch _vale;
    private readonly SwitchThread _thread;
    private readonly Registration _registration;
    private readonly PromiscuousMode? _promiscuous;
    private SwitchPolling? _polling;

    private Attachment(Owner owner, ValeSwitch vale, InterfacePort nic, InterfacePort? host, SwitchThread thread, Registration registration,
        PromiscuousMode? promiscuous) =>
        (Owner, _vale, Nic, Host, _thread, _registration, _promiscuous) = (owner, vale, nic, host, thread, registration, promiscuous);

    /// <summary>Who attached it.</summary>
    public Owner Owner { get; }

    public ValeSwitch Switch => _vale;

    public InterfacePort Nic { get; }

    /// <summary>The host's stack as a second port, named like the interface with <c>^</c>.</summary>
    public InterfacePort? Host { get; }

    public NetmapAdapter Adapter => _registration.Adapter;

    public bool IsPolling => _polling is not null;

    /// <summary>Attaches; takes over the caller's reference on <paramref name="adapter"/> when it succeeds.</summary>
    /// <exception cref="NetmapException">What a REGISTER of the interface says; ENOMEM the switch is full.</exception>
    /// <param name="caller">Who attaches.</param>
    /// <param name="vale">The switch.</param>
    /// <param name="name">On the switch.</param>
    /// <param name="adapter">The interface, which nobody uses.</param>
    /// <param name="asked">Mode: with the host's stack or without; memory.</param>
    /// <param name="offloads">Super-frames and unfinished checksums pass from interface to interface as they are, where the device can.</param>
    public static Attachment Create(Caller caller, ValeSwitch vale, string name, NetmapAdapter adapter, in nmreq_register asked, bool offloads)
    {
        Engine engine = caller.Engine;
        Stack<Action> undo = new();
        try
        {
            caller.Owner.Account.TakeAttachment(name);
            undo.Push(caller.Owner.Account.ReturnAttachment);
            SwitchThread thread = new();
            undo.Push(thread.Dispose);
            UseOffloads(adapter, offloads);
            undo.Push(() => UseOffloads(adapter, false));
            nmreq_register request = asked;
            // Whatever header its frames have, the switch knows about it.
            request.nr_flags = NetmapH.NR_ACCEPT_VNET_HDR;
            Registration registration = Registration.Create(caller, adapter, request, thread);
            undo.Push(() =>
            {
                // The caller gives its reference back itself.
                adapter.References++;
                registration.Close();
            });
            PromiscuousMode? promiscuous = Promiscuous(adapter);
            if (promiscuous is not null)
                undo.Push(promiscuous.Dispose);
            InterfacePort nic = new(name, adapter, Rings(registration, host: false), adapter.Counters, engine.Options, thread.Wake)
            {
                HeaderLength = adapter.HeaderLength,
                MaxFrame = LongestFrame(adapter),
            };
            Join(vale, nic, undo);
            InterfacePort? host = request.nr_mode == NetmapReq.NR_REG_NIC_SW ? JoinHost(engine, vale, nic, registration, thread, undo) : null;
            thread.Start($"{vale.Name}:{name}", host is null ? [nic] : [nic, host]);
            adapter.HeldBy = $"switch {vale.Name}";
            return new(caller.Owner, vale, nic, host, thread, registration, promiscuous);
        }
        catch
        {
            while (undo.TryPop(out Action? step))
                step();
            throw;
        }
    }

    /// <summary>Detaches; when it returns no frame passes, and the interface is the host's again.</summary>
    public void Close()
    {
        _polling?.Dispose();
        _thread.Dispose();
        foreach (InterfacePort port in Ports())
            Leave(port);
        _promiscuous?.Dispose();
        Adapter.HeldBy = null;
        NetmapAdapter adapter = Adapter;
        _registration.Close();
        UseOffloads(adapter, false);
        Owner.Account.ReturnAttachment();
    }

    /// <exception cref="NetmapException">EFAULT on already; EINVAL.</exception>
    public void EnablePolling(in nmreq_vale_polling request)
    {
        if (_polling is not null)
            throw new NetmapException(Errno.EFAULT, "poll", Nic.Name, "polling is on already; turn it off first");
        _polling = new SwitchPolling(Nic, request);
    }

    /// <exception cref="NetmapException">EFAULT not on.</exception>
    public void DisablePolling()
    {
        if (_polling is null)
            throw new NetmapException(Errno.EFAULT, "end polling", Nic.Name, "polling is not on");
        _polling.Dispose();
        _polling = null;
    }

    private IEnumerable<InterfacePort> Ports() => Host is null ? [Nic] : [Host, Nic];

    /// <summary>The host's stack, by the interface's host rings.</summary>
    private static InterfacePort JoinHost(Engine engine, ValeSwitch vale, InterfacePort nic, Registration registration,
        SwitchThread thread, Stack<Action> undo)
    {
        string name = nic.Name + "^";
        if (vale.Find(name) is not null)
            throw new NetmapException(Errno.EBUSY, "attach", $"{vale.Name}:{name}", "there is such a port on this switch already");
        InterfacePort host = new(name, nic.Adapter, Rings(registration, host: true), nic.Adapter.Host!.Counters, engine.Options, thread.Wake)
        {
            MaxFrame = nic.MaxFrame,
        };
        Join(vale, host, undo);
        return host;
    }

    private static (KRing[] Tx, KRing[] Rx) Rings(Registration registration, bool host) =>
        ([.. registration.TxRings.Where(ring => ring.IsHost == host)], [.. registration.RxRings.Where(ring => ring.IsHost == host)]);

    private static void UseOffloads(NetmapAdapter adapter, bool on)
    {
        if (adapter is GenericAdapter { CanUseVnetHeaders: true } generic)
            generic.UsesVnetHeaders = on;
    }

    private static int LongestFrame(NetmapAdapter adapter) => Math.Min(adapter.Describe().Mtu + LinuxIfEther.ETH_HLEN, adapter.Memory.BufferSize);

    private static void Join(ValeSwitch vale, InterfacePort port, Stack<Action> undo)
    {
        vale.Attach(port);
        port.Switch = vale;
        undo.Push(() => Leave(port));
    }

    private static void Leave(InterfacePort port)
    {
        ValeSwitch? vale = port.Switch;
        port.Switch = null;
        vale?.Detach(port);
    }

    private static PromiscuousMode? Promiscuous(NetmapAdapter adapter)
    {
        DeviceInfo device = adapter.Describe();
        return device.InterfaceIndex > 0 ? PromiscuousMode.Hold(device.InterfaceIndex, device.Name) : null;
    }
}
