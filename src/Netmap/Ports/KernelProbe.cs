using System.Diagnostics;
using Netmap.Bpf;
using Netmap.Client;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap;

/// <summary>Whether one thing works here, and what that means.</summary>
/// <param name="Feature">What was tried.</param>
/// <param name="Available">It worked.</param>
/// <param name="Reason">Why not, with the error's name; empty when it worked.</param>
/// <param name="Consequence">What netmap does with it, or without.</param>
public sealed record ProbeResult(string Feature, bool Available, string Reason, string Consequence);

/// <summary>Tries what this kernel allows this user; leaves nothing behind.</summary>
public static unsafe class KernelProbe
{
    /// <summary>Each feature tried, in network namespaces that vanish afterwards.</summary>
    public static IReadOnlyList<ProbeResult> Run()
    {
        NetworkNamespace? space = null;
        List<ProbeResult> results =
        [
            Try("network namespaces", "labs and tests of their own", () => space = NetworkNamespace.Create()),
            Try("user namespaces", "running without root", TryUserNamespace),
            Try("veth pairs", "wires between namespaces", () => Lab(space)),
            Try("packet rings", "the generic adapter on any interface", () => InLab(space, TryPacketRing)),
            Try("packet fanout", "several receive rings on one interface", () => InLab(space, TryFanout)),
            Try("tcx ingress", "received frames are taken from the host; without it the port runs beside the host", () => InLab(space, TryTcx)),
            Try("XDP programs", "the native adapter", () => InLab(space, TryXdp)),
            Try("AF_XDP sockets", "the native adapter; the generic one sends at two thirds of the rate without them", TryXdpSocket),
            Try("native adapter", "netmap:IFACE without copies; else the generic adapter takes its place", () => InLab(space, () => Open(NativeGear.Plain))),
            Try("fast gear", "native ports of drivers without zero-copy, several times as fast", () => InLab(space, () => Open(NativeGear.Fast))),
            Try("host rings", "netmap:IFACE^, netmap bridge with the host", () => InLab(space, TryHostRings)),
            Try("TAP interfaces", "tap: ports", TryTap),
            Try("gcc", "the ABI tests", () => Find("gcc")),
            Try("dpdk-testpmd", "a peer in the benchmarks", () => Find("dpdk-testpmd")),
        ];
        space?.Dispose();
        return results;
    }

    /// <summary>What a port on an interface would be, and why, without opening it: the host keeps every frame meanwhile.</summary>
    /// <param name="name">The interface, or <c>netmap:IFACE</c>.</param>
    /// <param name="engine">Whose options count; the process-wide one by default.</param>
    /// <returns>What was looked at; the last one, <c>port</c>, is the conclusion.</returns>
    /// <exception cref="NetmapException">ENXIO no such interface.</exception>
    public static IReadOnlyList<ProbeResult> Run(string name, NetmapEngine? engine = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        return InterfaceProbe.Run(Interface(name), (engine ?? NetmapEngine.Default).Core);
    }

    /// <summary>As <see cref="Run(string, NetmapEngine?)"/>, as a server finds it: its rights, its parameters, its network namespace.</summary>
    /// <param name="name">The interface.</param>
    /// <param name="host">As <see cref="NetmapPortOptions.Host"/>.</param>
    /// <exception cref="NetmapException">ENOENT, ECONNREFUSED no server there; ENXIO no such interface.</exception>
    public static IReadOnlyList<ProbeResult> RunHost(string name, string host)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(host);
        using RemotePortFile file = new(host);
        return PortJson.ReadProbe(file.Ask(NmsH.NMS_PROBE, Interface(name), name));
    }

    private static string Interface(string name) => name.Contains(':') ? PortName.Parse(name).Name : name;

    internal static ProbeResult Try(string feature, string consequence, Action attempt)
    {
        try
        {
            attempt();
            return new(feature, true, "", consequence);
        }
        catch (NetmapException e)
        {
            return new(feature, false, $"{e.Reason} ({e.ErrorName})", consequence);
        }
    }

    private static void Lab(NetworkNamespace? space)
    {
        if (space is null)
            throw new NetmapException(Errno.EPERM, "probe", null, "needs a network namespace");
        space.CreateVeth("probe0", "probe1", null, new LinkOptions { Queues = 2 });
        space.SetUp("probe0");
        space.SetUp("probe1");
    }

    private static void InLab(NetworkNamespace? space, Action attempt)
    {
        if (space is null)
            throw new NetmapException(Errno.EPERM, "probe", null, "needs a network namespace");
        space.Run(attempt);
    }

    private static void TryPacketRing()
    {
        using NetmapEngine engine = new(new() { AdapterMode = AdapterMode.Generic });
        using NetmapPort port = NetmapPort.Open("netmap:probe0-0", engine: engine);
    }

    private static void TryFanout()
    {
        using NetmapEngine engine = new(new() { AdapterMode = AdapterMode.Generic });
        using NetmapPort port = NetmapPort.Open("netmap:probe0", engine: engine);
        if (port.RxRings.Count < 2)
            throw new NetmapException(Errno.EOPNOTSUPP, "probe", null, "the kernel made one queue only");
    }

    private static void Open(NativeGear gear)
    {
        using NetmapEngine engine = new(new() { AdapterMode = AdapterMode.Native, NativeGear = gear });
        using NetmapPort port = NetmapPort.Open("netmap:probe0", engine: engine);
    }

    private static void TryHostRings()
    {
        using NetmapEngine engine = new();
        using NetmapPort port = NetmapPort.Open("netmap:probe0^", engine: engine);
    }

    private static void TryTcx()
    {
        using SafeDescriptor socket = InterfaceQuery.OpenSocket();
        int index = InterfaceQuery.Index(socket.Fd, "probe0").Int32;
        using HostCapture? capture = HostCapture.TryStart(index, [true], 0, out Errno error);
        if (capture is null)
            throw new NetmapException(error, "probe", null, error == Errno.EPERM
                ? "bpf is refused to this user" : "the kernel has no tcx hook (before 6.6)");
    }

    private static void TryXdp()
    {
        using SafeDescriptor socket = InterfaceQuery.OpenSocket();
        int index = InterfaceQuery.Index(socket.Fd, "probe0").Int32;
        bpf_insn[] pass = new BpfAssembler().Move(BpfRegister.R0, LinuxBpf.XDP_PASS).Exit().Instructions;
        using BpfProgram? program = BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_XDP, pass, out Errno error);
        using BpfLink? link = program is null ? null : BpfLink.TryAttach(LinuxBpf.BPF_XDP, index, program, out error);
        if (link is null)
            throw new NetmapException(error, "probe", null, program is null ? "bpf is refused to this user" : "the program could not be attached");
    }

    private static void TryXdpSocket()
    {
        SysResult fd = SysSocket.socket(SysSocketXdp.AF_XDP, SysSocket.SOCK_RAW | SysSocket.SOCK_CLOEXEC, 0);
        if (fd.IsError)
            throw new NetmapException(fd.Errno, "probe", null, "the kernel refused the socket");
        new SafeDescriptor(fd.Int32).Dispose();
    }

    private static void TryTap()
    {
        SysResult fd = Fcntl.open("/dev/net/tun", Fcntl.O_RDWR | Fcntl.O_CLOEXEC);
        if (fd.IsError)
            throw new NetmapException(fd.Errno, "probe", null, "/dev/net/tun cannot be opened");
        new SafeDescriptor(fd.Int32).Dispose();
    }

    private static void TryUserNamespace()
    {
        string unshare = Find("unshare");
        using Process process = Process.Start(new ProcessStartInfo(unshare, ["-Urn", "--", "true"]) { RedirectStandardError = true })!;
        string words = process.StandardError.ReadToEnd().Trim();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new NetmapException(Errno.EPERM, "probe", null, words);
    }

    private static string Find(string program)
    {
        string path = Environment.GetEnvironmentVariable("PATH") ?? "";
        return path.Split(':').Append("/usr/sbin").Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists)
            ?? throw new NetmapException(Errno.ENOENT, "probe", null, $"{program} is not installed");
    }
}
