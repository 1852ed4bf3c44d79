using System.Globalization;
using System.Runtime.InteropServices;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Bpf;

/// <summary>
/// A filter over frames in the classic instruction set (the kernel's Documentation/networking/filter.rst), translated for
/// eBPF programs. Frames too short for what it reads do not match, as on a packet socket.
/// </summary>
internal sealed class FrameFilter
{
    /// <summary>How far into a frame a filter may look.</summary>
    private const int Farthest = 16 * 1024;

    private const int Scratch = -32;

    private readonly sock_filter[] _instructions;

    /// <param name="instructions">As pcap_compile makes them for Ethernet.</param>
    /// <param name="words">For users.</param>
    public FrameFilter(sock_filter[] instructions, string words) => (_instructions, Words) = (instructions, words);

    /// <summary>The expression it was made from.</summary>
    public string Words { get; }

    /// <summary>Compiles an expression of pcap-filter(7) with the installed libpcap.</summary>
    /// <exception cref="NetmapException">ENOENT libpcap is not installed; EINVAL with its words.</exception>
    public static unsafe FrameFilter Compile(string expression, string port)
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
            sock_filter[] instructions = new ReadOnlySpan<sock_filter>(program.bf_insns, (int)program.bf_len).ToArray();
            PcapPcap.pcap_freecode(&program);
            return new(instructions, expression);
        }
        finally
        {
            PcapPcap.pcap_close(handle);
        }
    }

    /// <summary>
    /// Translates: A is R0, X is R4, the scratch memory is on the stack below 32 bytes; R1 and R5 are used. On a match the
    /// program goes on behind it.
    /// </summary>
    /// <param name="code">R2 points to the frame, R3 behind it; both survive.</param>
    /// <param name="otherwise">Label for frames that do not match.</param>
    public void Append(BpfAssembler code, string otherwise)
    {
        code.Move(R0, 0).Move(R4, 0);
        HashSet<int> targets = [.. _instructions.SelectMany((one, at) => Targets(one, at))];
        for (int i = 0; i < _instructions.Length; i++)
        {
            if (targets.Contains(i))
                code.Label(Label(i));
            Translate(code, _instructions[i], i, otherwise);
        }
        code.Label("match");
    }

    private static string Label(int at) => $"filter {at}";

    private static IEnumerable<int> Targets(sock_filter one, int at) => (one.code & 0x07) != LinuxBpf.BPF_JMP ? []
        : (one.code & 0xf0) == LinuxBpf.BPF_JA ? [at + 1 + (int)one.k] : [at + 1 + one.jt, at + 1 + one.jf];

    private static void Translate(BpfAssembler code, sock_filter one, int at, string otherwise)
    {
        const int LD = LinuxBpf.BPF_LD, LDX = LinuxBpf.BPF_LDX, ST = 0x02, STX = 0x03, ALU = LinuxBpf.BPF_ALU, JMP = LinuxBpf.BPF_JMP;
        switch (one.code & 0x07)
        {
            case LD:
                Load(code, one, R0, otherwise);
                break;
            case LDX:
                Load(code, one, R4, otherwise);
                break;
            case ST or STX:
                code.Store(BpfSize.Word, R10, Cell(one.k), (one.code & 0x07) == ST ? R0 : R4);
                break;
            case ALU:
                Compute(code, one, otherwise);
                break;
            case JMP:
                Jump(code, one, at);
                break;
            case 0x06:
                Return(code, one, otherwise);
                break;
            default:
                // TAX, TXA.
                code.Alu32(BpfAlu.Move, (one.code & 0x80) == 0 ? R4 : R0, (one.code & 0x80) == 0 ? R0 : R4);
                break;
        }
    }

    private static void Load(BpfAssembler code, sock_filter one, BpfRegister to, string otherwise)
    {
        BpfSize size = (BpfSize)(one.code & 0x18);
        _ = (one.code & 0xe0) switch
        {
            0x00 => code.Alu32(BpfAlu.Move, to, (int)one.k),
            0x20 => Fetch(code, one.k, size, to, otherwise),
            0x40 => FetchAtX(code, one.k, size, otherwise),
            0x60 => code.Load(BpfSize.Word, to, R10, Cell(one.k)),
            // The frame's length; the kernel lets privileged programs subtract pointers.
            0x80 => code.Move(to, R3).Alu(BpfAlu.Subtract, to, R2),
            // X = four times the lower half of a byte: an IP header's length.
            0xa0 => Fetch(code, one.k, BpfSize.Byte, to, otherwise).Alu32(BpfAlu.And, to, 0xf).Alu32(BpfAlu.ShiftLeft, to, 2),
            _ => throw Unknown(one),
        };
    }

    private static BpfAssembler Fetch(BpfAssembler code, uint at, BpfSize size, BpfRegister to, string otherwise)
    {
        if (at > Farthest)
            throw new NetmapException(Errno.EINVAL, "filter", null, $"it looks {at} bytes into frames; {Farthest} is the farthest");
        code.Move(R5, R2).Alu(BpfAlu.Add, R5, (int)at + Bytes(size)).JumpIf(BpfTest.Above, R5, R3, otherwise).Load(size, to, R2, (int)at);
        return size == BpfSize.Byte ? code : code.BigEndian(to, Bytes(size) * 8);
    }

    /// <summary>The check of X is what lets the verifier follow the pointer.</summary>
    private static BpfAssembler FetchAtX(BpfAssembler code, uint at, BpfSize size, string otherwise)
    {
        if (at > Farthest)
            throw new NetmapException(Errno.EINVAL, "filter", null, $"it looks {at} bytes into frames; {Farthest} is the farthest");
        code.Alu32(BpfAlu.Move, R5, R4).JumpIf(BpfTest.Above, R5, Farthest, otherwise)
            .Move(R1, R2).Alu(BpfAlu.Add, R1, R5).Alu(BpfAlu.Add, R1, (int)at)
            .Move(R5, R1).Alu(BpfAlu.Add, R5, Bytes(size)).JumpIf(BpfTest.Above, R5, R3, otherwise)
            .Load(size, R0, R1, 0);
        return size == BpfSize.Byte ? code : code.BigEndian(R0, Bytes(size) * 8);
    }

    private static void Compute(BpfAssembler code, sock_filter one, string otherwise)
    {
        byte operation = (byte)(one.code & 0xf0);
        bool byX = (one.code & LinuxBpf.BPF_X) != 0;
        if (operation == LinuxBpf.BPF_NEG)
            code.Negate(R0).Alu32(BpfAlu.Move, R0, R0);
        else if (byX && operation is LinuxBpf.BPF_DIV or LinuxBpf.BPF_MOD)
            code.JumpIf32(BpfTest.Equal, R4, 0, otherwise).Alu32((BpfAlu)operation, R0, R4);
        else if (byX)
            code.Alu32((BpfAlu)operation, R0, R4);
        else
            code.Alu32((BpfAlu)operation, R0, (int)one.k);
    }

    private static void Jump(BpfAssembler code, sock_filter one, int at)
    {
        if ((one.code & 0xf0) == LinuxBpf.BPF_JA)
        {
            code.Jump(Label(at + 1 + (int)one.k));
            return;
        }
        BpfTest test = (BpfTest)(one.code & 0xf0);
        _ = (one.code & LinuxBpf.BPF_X) != 0
            ? code.JumpIf32(test, R0, R4, Label(at + 1 + one.jt))
            : code.JumpIf32(test, R0, (int)one.k, Label(at + 1 + one.jt));
        code.Jump(Label(at + 1 + one.jf));
    }

    private static void Return(BpfAssembler code, sock_filter one, string otherwise)
    {
        if ((one.code & 0x18) == 0x10)
            code.JumpIf32(BpfTest.Equal, R0, 0, otherwise).Jump("match");
        else
            code.Jump(one.k != 0 ? "match" : otherwise);
    }

    private static int Cell(uint index) => index < 16
        ? Scratch - (4 * ((int)index + 1))
        : throw new NetmapException(Errno.EINVAL, "filter", null, "scratch memory has 16 words");

    private static int Bytes(BpfSize size) => size == BpfSize.Byte ? 1 : size == BpfSize.Half ? 2 : 4;

    private static NetmapException Unknown(sock_filter one) =>
        new(Errno.EINVAL, "filter", null, $"instruction 0x{one.code.ToString("x", CultureInfo.InvariantCulture)} is not known");
}
