using System.Runtime.InteropServices;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Bpf;

/// <summary>
/// What the running kernel's own structure of a frame (sk_buff) says of work left to the hardware: where which checksum is
/// to be completed, and where the headers are that have to be changed when a super-frame is cut. The structure that
/// programs see otherwise has none of it, and a look at the frame cannot find out in a tunnel.
/// </summary>
internal sealed class SkbPlaces
{
    private const string Structure = "sk_buff";

    private static readonly Lazy<SkbPlaces?> s_running = new(() => KernelTypes.Running() is { } types ? TryMake(types) : null);

    private readonly int _cast;
    private readonly Dictionary<string, KernelMember> _members;

    private SkbPlaces(int cast, Dictionary<string, KernelMember> members) => (_cast, _members) = (cast, members);

    /// <summary>For programs that this process loads.</summary>
    /// <param name="why">If null is returned: what is missing, in words.</param>
    public static SkbPlaces? TryGet(out string? why)
    {
        if (s_running.Value is not { } places)
        {
            why = "the kernel does not describe its sk_buff, or has no bpf_cast_to_kern_ctx (BTF)";
            return null;
        }
        bpf_insn[] trial = places.Find(new BpfAssembler().Move(R6, R1)).Exit(LinuxBpf.TCX_NEXT).Instructions;
        using BpfProgram? program = BpfProgram.TryLoad(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, trial, out Errno error, "netmap_trial");
        why = program is not null ? null : error == Errno.EPERM ? "no CAP_PERFMON" : $"the kernel shows no sk_buff to programs: {error}";
        return program is null ? null : places;
    }

    /// <summary>Fills the frame's record, all but what every program can see. R6 context, R8 record; R0–R5 are lost.</summary>
    public void Note(BpfAssembler code)
    {
        Find(code);
        NotePlace(code, "csum_start", nameof(HostFrameRecord.ChecksumStart));
        NotePlace(code, "network_header", nameof(HostFrameRecord.Network));
        NotePlace(code, "inner_network_header", nameof(HostFrameRecord.InnerNetwork));
        code.Load(BpfSize.Half, R1, R0, At("csum_offset")).Store(BpfSize.Half, R8, Record(nameof(HostFrameRecord.ChecksumOffset)), R1);
        NoteBits(code, "ip_summed", nameof(HostFrameRecord.Checksum));
        NoteBits(code, "encapsulation", nameof(HostFrameRecord.IsTunnelled));
        NoteBits(code, "remcsum_offload", nameof(HostFrameRecord.IsRemote));
    }

    private static SkbPlaces? TryMake(KernelTypes types)
    {
        Dictionary<string, KernelMember> members = [];
        string[] wanted = ["head", "data", "csum_start", "csum_offset", "network_header", "inner_network_header", "ip_summed", "encapsulation", "remcsum_offload"];
        foreach (string name in wanted)
        {
            if (types.Member(Structure, name) is not { } member)
                return null;
            members.Add(name, member);
        }
        return types.FunctionId("bpf_cast_to_kern_ctx") is { } cast ? new(cast, members) : null;
    }

    /// <summary>R0 = the sk_buff, R2 = bytes before the frame in its memory, from where places count.</summary>
    private BpfAssembler Find(BpfAssembler code) => code
        .Move(R1, R6).CallKernel(_cast)
        .Load(BpfSize.Double, R2, R0, At("data")).Load(BpfSize.Double, R1, R0, At("head"))
        .Alu(BpfAlu.Subtract, R2, R1);

    private void NotePlace(BpfAssembler code, string from, string to) => code
        .Load(BpfSize.Half, R1, R0, At(from))
        .Alu(BpfAlu.Subtract, R1, R2)
        .Store(BpfSize.Half, R8, Record(to), R1);

    private void NoteBits(BpfAssembler code, string from, string to) => code
        .Load(BpfSize.Byte, R1, R0, At(from))
        .Alu(BpfAlu.ShiftRight, R1, _members[from].Bit % 8)
        .Alu(BpfAlu.And, R1, (1 << _members[from].Bits) - 1)
        .Store(BpfSize.Byte, R8, Record(to), R1);

    private int At(string member) => _members[member].Byte;

    private static int Record(string name) => (int)Marshal.OffsetOf<HostFrameRecord>(name);
}
