using System.Globalization;
using Netmap.Bpf;
using Netmap.Interop;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Native;

/// <summary>A veth pair for native ports: native or nothing, and a pool that does not pin a third of a gigabyte.</summary>
internal static class NativeLab
{
    public const int Buffers = 16384;

    public static NetmapEngineOptions Options { get; } = new() { AdapterMode = AdapterMode.Native, BufferCount = Buffers };

    /// <summary>The netmap tool, for a process of its own.</summary>
    public static string Tool => Path.Combine(AppContext.BaseDirectory, "netmap-cli.dll");

    public static VethLab Create(int queues = 1, bool up = true, NetmapEngineOptions? engine = null, int mtu = 1500) =>
        new(new LinkOptions { Queues = queues, Mtu = mtu }, up, engine ?? Options);

    public static VethLab Create(NativeGear gear, int queues = 1, int mtu = 1500) =>
        Create(queues, engine: Options with { NativeGear = gear }, mtu: mtu);

    /// <summary>
    /// The left end is below <c>m0</c>, a macvlan that takes all of it: its driver has no XDP. Addresses as
    /// <see cref="VethLab.WithAddresses"/> gives them.
    /// </summary>
    public static VethLab CreateMacvlan(NetmapEngineOptions? engine = null)
    {
        Peer.Require("ip", "iproute2");
        VethLab lab = Create(engine: engine);
        Assert.Empty(Peer.Run(lab.Left, "ip", "link", "add", "link", "v0", "name", "m0", "type", "macvlan", "mode", "passthru"));
        lab.Left.DisableIpv6("m0");
        lab.Left.SetUp("m0");
        lab.Left.AddAddress("m0", "10.9.0.1/24");
        lab.Right.AddAddress("v1", "10.9.0.2/24");
        lab.Left.AddNeighbor("m0", "10.9.0.2", VethLab.RightMac);
        lab.Right.AddNeighbor("v1", "10.9.0.1", VethLab.LeftMac);
        return lab;
    }

    public static NetmapPort OpenMacvlan(VethLab lab, string suffix = "", NetmapPortOptions? options = null, NetmapEngine? engine = null) =>
        lab.Left.Run(() => NetmapPort.Open("netmap:m0" + suffix, options, engine ?? lab.Engine));

    /// <summary>Sends one numbered frame now.</summary>
    public static void Send(NetmapPort port, int number, int length = 60, int ring = 0) => Send(port, TestFrame.Numbered(number, length), ring);

    public static void Send(NetmapPort port, ReadOnlySpan<byte> frame, int ring = 0)
    {
        Assert.True(port.TxRings[ring].TrySend(frame));
        port.TxSync();
    }

    /// <summary>Puts a frame into as many slots as it needs; no sync.</summary>
    public static void PutInParts(NetmapPort port, ReadOnlySpan<byte> frame)
    {
        TxRing ring = port.TxRings[0];
        int slots = 0;
        for (int at = ring.Head; frame.Length > 0; at = ring.Next(at), slots++)
        {
            int part = Math.Min(frame.Length, ring.BufferSize);
            frame[..part].CopyTo(ring.Buffer(at));
            frame = frame[part..];
            ring[at].Length = (ushort)part;
            ring[at].Flags = frame.Length > 0 ? SlotFlags.MoreFragments : SlotFlags.None;
        }
        ring.Advance(slots);
    }

    /// <summary>Waits for frames and sends all there are out of another port of the same memory, buffers and all.</summary>
    public static void Forward(NetmapPort from, NetmapPort to)
    {
        Assert.Equal(PollEvents.Receive, from.Poll(PollEvents.Receive, VethLab.Soon));
        foreach (RxFrame frame in from.RxRings[0])
            Assert.True(to.TxRings[0].TryForward(frame));
        to.TxSync();
    }

    /// <summary>The next frame, waited for; it is released.</summary>
    public static byte[] One(NetmapPort port, int ring = 0)
    {
        Assert.Equal(PollEvents.Receive, port.Poll(PollEvents.Receive, VethLab.Soon));
        Assert.True(port.RxRings[ring].TryPeek(out RxFrame frame));
        byte[] bytes = new byte[frame.Length];
        frame.CopyTo(bytes);
        port.RxRings[ring].Advance(frame.SlotCount);
        return bytes;
    }

    public static void Move(NetworkNamespace from, string name, NetworkNamespace to)
    {
        using Peer holder = Peer.Start(to, "sleep", "60");
        Peer.Run(from, "ip", "link", "set", name, "netns", holder.Id.ToString(CultureInfo.InvariantCulture));
        holder.Kill();
    }

    /// <summary>Id of the XDP program on an interface, 0 for none.</summary>
    public static uint ProgramOn(NetworkNamespace space, string name) => space.Run(() =>
    {
        using SafeDescriptor control = InterfaceQuery.OpenSocket();
        using NetlinkSocket netlink = new();
        LinkDetails details = LinkDetails.Ask(netlink, InterfaceQuery.Index(control.Fd, name).Int32, name);
        return Math.Max(details.DriverProgram, details.GenericProgram);
    });

    /// <summary>Somebody else's program, which passes everything.</summary>
    public static BpfLink AttachForeign(NetworkNamespace space, string name, string program) => space.Run(() =>
    {
        using SafeDescriptor control = InterfaceQuery.OpenSocket();
        using BpfProgram loaded = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, new BpfAssembler().Exit(LinuxBpf.XDP_PASS).Instructions, program, name);
        return BpfLink.TryAttach(LinuxBpf.BPF_XDP, InterfaceQuery.Index(control.Fd, name).Int32, loaded, out _)!;
    });

    /// <summary>Whatever the host sends gets a VLAN tag, kept beside the frame as a VLAN device's driver does.</summary>
    public static BpfLink AttachTagger(NetworkNamespace space, string name, int protocol, int tag) => space.Run(() =>
    {
        using SafeDescriptor control = InterfaceQuery.OpenSocket();
        BpfAssembler code = new BpfAssembler()
            .Move(BpfRegister.R2, ((protocol & 0xff) << 8) | (protocol >> 8)).Move(BpfRegister.R3, tag)
            .Call(BpfFunc.BPF_FUNC_skb_vlan_push)
            .Exit(LinuxBpf.TCX_NEXT);
        using BpfProgram loaded = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, code.Instructions, "tagger", name);
        return BpfLink.TryAttach(LinuxBpf.BPF_TCX_EGRESS, InterfaceQuery.Index(control.Fd, name).Int32, loaded, out _)!;
    });

    /// <summary>How often a test that has a long form repeats.</summary>
    public static int Repetitions(string variable, int shortForm) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int asked) ? asked : shortForm;
}
