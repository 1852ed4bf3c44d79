using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>Constants of <c>src/preload/protocol.h</c>: what a client and a netmap server say to each other.</summary>
[Abi("protocol.h")]
internal static class NmsH
{
    public const uint NMS_MAGIC = 0x4e4d5331;
    public const ushort NMS_VERSION = 1;
    public const int NMS_REQUEST_MAX = 8192;
    public const int NMS_ANSWER_MAX = 65536;
    public const int NMS_DESCRIPTORS_MAX = 252;
    public const ushort NMS_ATTACH = 1;
    public const ushort NMS_IOCTL = 2;
    public const ushort NMS_MAP = 3;
    public const ushort NMS_INFO = 4;
    public const ushort NMS_STATISTICS = 5;
    public const ushort NMS_PARAMETER = 6;
    public const ushort NMS_STATUS = 7;
    public const ushort NMS_FILTER = 8;
    public const ushort NMS_PROBE = 9;
    public const ushort NMS_SHARE = 10;
    public const ushort NMS_SHARE_SWITCH = 11;
    public const ushort NMS_WAKE = 0x100;
    public const ushort NMS_BYE = 0x101;
    public const ushort NMS_ANSWERED = 0x102;
    public const uint NMS_IOCTL_EXTMEM = 1;
    public const uint NMS_IOCTL_UNMAPPED = 2;
    public const ulong NMS_LIST_GOES_ON = ulong.MaxValue;
    public const int NMS_FILTER_MAX = 900;
    public const int NMS_PAGE_SIZE = 4096;
    public const byte NMS_OP_TXSYNC = 1;
    public const byte NMS_OP_RXSYNC = 2;
    public const byte NMS_OP_POLL = 3;
    public const byte NMS_FLAG_ARM = 1;
    public const byte NMS_FLAG_LINGER = 2;
}

/// <summary>The beginning of every message.</summary>
[Abi("protocol.h", Name = "struct nms_header")]
[StructLayout(LayoutKind.Sequential)]
internal struct nms_header
{
    public uint magic;
    public ushort version;
    public ushort type;

    /// <summary>Bytes after this header.</summary>
    public uint length;

    /// <summary>Answers: 0 or an errno.</summary>
    public uint result;
}

/// <summary>Answer to NMS_ATTACH.</summary>
[Abi("protocol.h", Name = "struct nms_attached")]
[StructLayout(LayoutKind.Sequential)]
internal struct nms_attached
{
    public uint spin_ns;
    public uint yield_ns;
}

/// <summary>NMS_IOCTL and its answer; the image follows.</summary>
[Abi("protocol.h", Name = "struct nms_ioctl")]
[StructLayout(LayoutKind.Sequential)]
internal struct nms_ioctl
{
    public uint request;
    public uint image_length;
    public ulong extmem_offset;
    public uint flags;
    public uint spare;
}

/// <summary>NMS_MAP and its answer.</summary>
[Abi("protocol.h", Name = "struct nms_map")]
[StructLayout(LayoutKind.Sequential)]
internal struct nms_map
{
    public ulong offset;
    public ulong length;
}

/// <summary>NMS_FILTER; instructions and words follow.</summary>
[Abi("protocol.h", Name = "struct nms_filter")]
[StructLayout(LayoutKind.Sequential)]
internal struct nms_filter
{
    public uint count;
    public uint spare;
}

/// <summary>The page that a session and the server share. Each side's words have a pair of cache lines of their own.</summary>
[Abi("protocol.h", Name = "struct nms_page")]
[StructLayout(LayoutKind.Explicit, Size = 384)]
internal struct nms_page
{
    [FieldOffset(0)]
    public uint magic;

    [FieldOffset(4)]
    public ushort version;

    /// <summary>Sequence, operation, flags, poll bits: 32, 8, 8, 16 bits from the top. Written by the client.</summary>
    [FieldOffset(128)]
    public ulong post;

    /// <summary>The client is about to sleep until <see cref="done"/> moves.</summary>
    [FieldOffset(136)]
    public uint waiting;

    /// <summary>Sequence answered, poll bits found, errno: 32, 16, 16 bits from the top. Written by the server.</summary>
    [FieldOffset(256)]
    public ulong done;

    /// <summary>The server does not look at this page: ring the doorbell.</summary>
    [FieldOffset(264)]
    public uint asleep;

    /// <summary>Moves at the news that NMS_FLAG_LINGER asked for.</summary>
    [FieldOffset(268)]
    public uint news;
}
