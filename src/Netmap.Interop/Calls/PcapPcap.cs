using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary><c>pcap/pcap.h</c>: the compiler of filter expressions, where libpcap is installed.</summary>
[NotAbi("libpcap's header is not installed everywhere; the values are part of its file format and of its library's interface")]
internal static unsafe partial class PcapPcap
{
    private const string Library = "libpcap.so.0.8";

    public const int DLT_EN10MB = 1;
    public const uint PCAP_NETMASK_UNKNOWN = 0xffffffff;

    /// <summary>The library can be loaded here.</summary>
    public static bool IsInstalled => NativeLibrary.TryLoad(Library, typeof(PcapPcap).Assembly, null, out _);

    [LibraryImport(Library)]
    public static partial void* pcap_open_dead(int linktype, int snaplen);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int pcap_compile(void* handle, bpf_program* program, string expression, int optimize, uint netmask);

    [LibraryImport(Library)]
    public static partial byte* pcap_geterr(void* handle);

    [LibraryImport(Library)]
    public static partial void pcap_freecode(bpf_program* program);

    [LibraryImport(Library)]
    public static partial void pcap_close(void* handle);
}

/// <summary>What pcap_compile makes; its instructions are those of <c>linux/filter.h</c>.</summary>
[NotAbi("libpcap's header is not installed everywhere; used and tested against the library itself")]
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct bpf_program
{
    public uint bf_len;
    public sock_filter* bf_insns;
}
