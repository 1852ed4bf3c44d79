using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Bpf.Filters;

/// <summary>
/// What a port takes from the host: a filter over frames in the classic instruction set (the kernel's
/// Documentation/networking/filter.rst), checked, so that every translation of it means the same. It judges frames as they
/// were on the wire, with a VLAN tag that the kernel keeps beside the frame in its place. Frames too short for what it reads
/// do not match.
/// </summary>
internal sealed class FrameFilter
{
    private const int LongestWords = 400;

    private readonly sock_filter[] _instructions;

    /// <param name="instructions">As pcap_compile makes them for Ethernet, or anybody's: they are checked.</param>
    /// <param name="words">For users.</param>
    /// <param name="port">For errors.</param>
    /// <exception cref="NetmapException">EINVAL: no filter, and why.</exception>
    public FrameFilter(ReadOnlySpan<sock_filter> instructions, string words, string? port)
    {
        _instructions = instructions.ToArray();
        Words = Plain(words);
        if (ClassicCheck.Refuses(_instructions, out bool[] reached) is { } reason)
            throw new NetmapException(Errno.EINVAL, "filter", port, $"\"{Words}\": {reason}");
        Reached = reached;
    }

    /// <summary>The expression it was made from.</summary>
    public string Words { get; }

    public ReadOnlySpan<sock_filter> Instructions => _instructions;

    /// <summary>Which of the instructions a frame may come to.</summary>
    public bool[] Reached { get; }

    /// <summary>Takes the same frames, by the same steps, whatever its words.</summary>
    public static bool Same(FrameFilter? one, FrameFilter? other) =>
        one is null || other is null ? one == other
            : MemoryMarshal.AsBytes(one.Instructions).SequenceEqual(MemoryMarshal.AsBytes(other.Instructions));

    /// <summary>As it may be shown on anybody's terminal, and not without end.</summary>
    private static string Plain(string words)
    {
        string line = string.Concat(words.Select(c => char.IsControl(c) ? ' ' : c));
        return line.Length <= LongestWords ? line : line[..LongestWords] + "…";
    }

    /// <summary>Compiles an expression of pcap-filter(7) with the installed libpcap.</summary>
    /// <exception cref="NetmapException">ENOENT libpcap is not installed; EINVAL with its words.</exception>
    public static unsafe FrameFilter Compile(string expression, string? port)
    {
        if (!PcapPcap.IsInstalled)
            throw new NetmapException(Errno.ENOENT, "filter", port, "filter expressions need libpcap: apt-get install libpcap0.8");
        void* handle = PcapPcap.pcap_open_dead(PcapPcap.DLT_EN10MB, ushort.MaxValue);
        try
        {
            bpf_program program;
            if (PcapPcap.pcap_compile(handle, &program, expression, 1, PcapPcap.PCAP_NETMASK_UNKNOWN) != 0)
                throw new NetmapException(Errno.EINVAL, "filter", port,
                    $"\"{expression}\": {Marshal.PtrToStringUTF8((nint)PcapPcap.pcap_geterr(handle))}; see pcap-filter(7)");
            try
            {
                return new(new ReadOnlySpan<sock_filter>(program.bf_insns, (int)program.bf_len), expression, port);
            }
            finally
            {
                PcapPcap.pcap_freecode(&program);
            }
        }
        finally
        {
            PcapPcap.pcap_close(handle);
        }
    }
}
