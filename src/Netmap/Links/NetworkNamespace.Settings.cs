using System.Globalization;
using Netmap.Interop;

namespace Netmap.Links;

/// <content>Settings that the kernel has only as files.</content>
public sealed partial class NetworkNamespace
{
    /// <summary>
    /// Keeps IPv6 off an interface: no router solicitations or duplicate address detection disturb a test's wire. Does
    /// nothing on a kernel without IPv6.
    /// </summary>
    /// <exception cref="NetmapException">ENODEV, EACCES, EROFS where <c>/proc/sys</c> is read-only.</exception>
    public void DisableIpv6(string name) => Run(() =>
    {
        _ = IndexOf(name);
        // /proc/sys/net shows the namespace of the thread that opens it.
        if (Directory.Exists("/proc/sys/net/ipv6"))
            SettingFile.Write($"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "1", "disable IPv6 of", name);
    });

    /// <summary>
    /// Which processors share the protocol work of frames received on the interface, on all its RX queues; 0 leaves it to
    /// the processor that got the frame. Source: the kernel's Documentation/networking/scaling.rst, RPS.
    /// </summary>
    /// <param name="name">The interface.</param>
    /// <param name="processors">Bit i stands for processor i.</param>
    /// <exception cref="NetmapException">ENODEV; EOVERFLOW for a processor the machine does not have; EPERM or EACCES without the machine's own CAP_NET_ADMIN.</exception>
    public void SetReceivePacketSteering(string name, ulong processors) => Run(() =>
    {
        const string Operation = "set receive packet steering of";
        _ = IndexOf(name);
        MountOwnSysfs(Operation, name);
        // Groups of 32 bits, the highest first; the kernel refuses even a zero group beyond its processors (EOVERFLOW).
        uint high = (uint)(processors >> 32);
        string low = ((uint)processors).ToString("x8", CultureInfo.InvariantCulture);
        string mask = high == 0 ? low : string.Create(CultureInfo.InvariantCulture, $"{high:x},{low}");
        foreach (string queue in Directory.GetDirectories($"/sys/class/net/{name}/queues", "rx-*"))
            SettingFile.Write($"{queue}/rps_cpus", mask, Operation, name);
    });

    /// <summary>
    /// A sysfs shows the network namespace of the thread that mounted it, so the calling thread gets one of its own, in a
    /// mount namespace nobody else is in; both go when that thread ends.
    /// </summary>
    private static void MountOwnSysfs(string operation, string name)
    {
        Check(Sched.unshare(Sched.CLONE_NEWNS), operation, name);
        // Without this the mount would spread to the mount namespace we came from.
        Check(SysMount.mount("none", "/", null, SysMount.MS_REC | SysMount.MS_PRIVATE), operation, name);
        Check(SysMount.mount("sysfs", "/sys", "sysfs", SysMount.MS_NOSUID | SysMount.MS_NODEV | SysMount.MS_NOEXEC), operation, name);
    }

    private static void Check(SysResult result, string operation, string name)
    {
        if (result.IsError)
            throw new NetmapException(result.Errno, operation, name, "no mount of one's own for /sys; it needs CAP_SYS_ADMIN");
    }
}
