using Netmap.Interop;

namespace Netmap.Links;

/// <summary>
/// What an interface's driver says of itself: the SIOCETHTOOL ioctl of <c>linux/ethtool.h</c>. <c>fd</c> as in
/// <see cref="InterfaceQuery"/>. A driver that does not tell gives EOPNOTSUPP.
/// </summary>
internal static unsafe class EthtoolQuery
{
    /// <summary>
    /// Descriptors of each ring: the present size, or the largest where the driver tells only that; 0 when it tells
    /// neither.
    /// </summary>
    public static SysResult RingSizes(int fd, string name, out int tx, out int rx)
    {
        ethtool_ringparam rings = new() { cmd = LinuxEthtool.ETHTOOL_GRINGPARAM };
        SysResult result = Call(fd, name, &rings);
        tx = result.IsError ? 0 : Told(rings.tx_pending, rings.tx_max_pending);
        rx = result.IsError ? 0 : Told(rings.rx_pending, rings.rx_max_pending);
        return result;
    }

    /// <summary>
    /// Queues in use: dedicated ones, or the combined ones where there are no dedicated; 0 when the driver does not tell.
    /// Rtnetlink knows the queues of every interface.
    /// </summary>
    public static SysResult Channels(int fd, string name, out int tx, out int rx)
    {
        ethtool_channels channels = new() { cmd = LinuxEthtool.ETHTOOL_GCHANNELS };
        SysResult result = Call(fd, name, &channels);
        tx = result.IsError ? 0 : Told(channels.tx_count, channels.combined_count);
        rx = result.IsError ? 0 : Told(channels.rx_count, channels.combined_count);
        return result;
    }

    /// <summary>The driver's name, <c>veth</c>; empty on an error.</summary>
    public static SysResult Driver(int fd, string name, out string driver)
    {
        ethtool_drvinfo info = new() { cmd = LinuxEthtool.ETHTOOL_GDRVINFO };
        SysResult result = Call(fd, name, &info);
        driver = result.IsError ? "" : InterfaceRequest.Text(new ReadOnlySpan<byte>(info.driver, 32));
        return result;
    }

    /// <summary>1 when the offload is on, else 0.</summary>
    public static SysResult GetOffload(int fd, string name, Offload offload)
    {
        SysResult result = Value(fd, name, offload.Get, 0, out uint data);
        return result.IsError ? result : SysResult.Ok((data & offload.Mask) != 0 ? 1 : 0);
    }

    /// <summary>
    /// Switches an offload. The kernel takes the wish and may not fulfil it, so the state is read back: EOPNOTSUPP when it
    /// is not what was asked for.
    /// </summary>
    public static SysResult SetOffload(int fd, string name, Offload offload, bool on)
    {
        SysResult result = Value(fd, name, offload.Get, 0, out uint now);
        if (result.IsError)
            return result;
        // The flag commands set all flags at once; the single-offload commands take 0 or 1 and have a mask of all ones.
        uint wanted = offload.IsFlag ? (on ? now | offload.Mask : now & ~offload.Mask) : (on ? 1u : 0u);
        result = Value(fd, name, offload.Set, wanted, out _);
        if (result.IsError)
            return result;
        result = GetOffload(fd, name, offload);
        return result.IsError || result.Value == (on ? 1 : 0) ? result : SysResult.Error(Errno.EOPNOTSUPP);
    }

    private static int Told(uint first, uint second) => (int)Math.Min(first != 0 ? first : second, int.MaxValue);

    private static SysResult Value(int fd, string name, uint command, uint data, out uint answer)
    {
        ethtool_value value = new() { cmd = command, data = data };
        SysResult result = Call(fd, name, &value);
        answer = value.data;
        return result;
    }

    private static SysResult Call(int fd, string name, void* argument)
    {
        if (!InterfaceRequest.TryCreate(name, out ifreq request))
            return SysResult.Error(Errno.ENODEV);
        request.ifr_data = argument;
        return SysIoctl.ioctl(fd, LinuxSockios.SIOCETHTOOL, &request);
    }
}
