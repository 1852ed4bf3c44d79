using Netmap.Interop;

namespace Netmap.Server;

/// <summary>Requests in words, for the log.</summary>
internal static class RequestNames
{
    public static string OfIoctl(uint request) => request switch
    {
        NetmapH.NIOCCTRL => nameof(NetmapH.NIOCCTRL),
        NetmapH.NIOCREGIF => nameof(NetmapH.NIOCREGIF),
        NetmapH.NIOCGINFO => nameof(NetmapH.NIOCGINFO),
        _ => $"ioctl 0x{request:x}",
    };

    public static string OfMessage(ushort type) => type switch
    {
        NmsH.NMS_MAP => "mmap",
        NmsH.NMS_INFO => "information",
        NmsH.NMS_STATISTICS => "statistics",
        NmsH.NMS_PARAMETER => "parameter",
        NmsH.NMS_STATUS => "status",
        NmsH.NMS_FILTER => "filter",
        NmsH.NMS_PROBE => "probe",
        NmsH.NMS_SHARE => "share",
        NmsH.NMS_SHARE_SWITCH => "share of a switch",
        _ => $"request {type}",
    };
}
