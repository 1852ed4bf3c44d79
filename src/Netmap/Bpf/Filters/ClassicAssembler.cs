using Netmap.Interop;
using static Netmap.Interop.LinuxFilter;

namespace Netmap.Bpf.Filters;

/// <summary>Writes programs in the classic instruction set, with labels. Jumps go forward.</summary>
internal sealed class ClassicAssembler
{
    private readonly List<(sock_filter Instruction, string? Then, string? Else)> _code = [];
    private readonly Dictionary<string, int> _labels = [];

    /// <summary>Names the place of the next instruction.</summary>
    public ClassicAssembler Label(string name)
    {
        _labels.Add(name, _code.Count);
        return this;
    }

    public ClassicAssembler Add(int code, uint k = 0) => Add(new(code, 0, 0, k), null, null);

    /// <summary>A = what the kernel knows about the frame beside its bytes: SKF_AD_*.</summary>
    public ClassicAssembler Ancillary(int which) => Add(BPF_LD | BPF_W | BPF_ABS, unchecked((uint)(SKF_AD_OFF + which)));

    /// <summary>Jumps to one label or the other.</summary>
    public ClassicAssembler JumpIf(int test, uint k, string then, string otherwise) => Add(new(BPF_JMP | test, 0, 0, k), then, otherwise);

    /// <summary>Jumps to a label, or goes on.</summary>
    public ClassicAssembler JumpIf(int test, uint k, string then)
    {
        string next = $"next {_code.Count}";
        return JumpIf(test, k, then, next).Label(next);
    }

    public ClassicAssembler Jump(string label) => Add(new(BPF_JMP | BPF_JA, 0, 0, 0), label, null);

    public ClassicAssembler Return(uint k) => Add(BPF_RET | BPF_K, k);

    /// <summary>
    /// The program. A conditional jump reaches 255 instructions; where that is not enough it jumps to one of two plain jumps
    /// behind it.
    /// </summary>
    public sock_filter[] Instructions
    {
        get
        {
            bool[] isLong = new bool[_code.Count];
            int[] places = Places(isLong);
            while (Lengthen(isLong, places))
                places = Places(isLong);
            List<sock_filter> program = [];
            for (int i = 0; i < _code.Count; i++)
                Emit(program, i, places, isLong[i]);
            return [.. program];
        }
    }

    private ClassicAssembler Add(sock_filter instruction, string? then, string? otherwise)
    {
        _code.Add((instruction, then, otherwise));
        return this;
    }

    private int[] Places(bool[] isLong)
    {
        int[] places = new int[_code.Count];
        for (int i = 1; i < places.Length; i++)
            places[i] = places[i - 1] + (!isLong[i - 1] ? 1 : GoesOn(i - 1) ? 2 : 3);
        return places;
    }

    /// <summary>Where its test does not hold, the jump goes to what follows it.</summary>
    private bool GoesOn(int at) => _code[at].Else is { } otherwise && _labels[otherwise] == at + 1;

    private bool Lengthen(bool[] isLong, int[] places)
    {
        bool changed = false;
        for (int i = 0; i < isLong.Length; i++)
        {
            (_, string? then, string? otherwise) = _code[i];
            if (isLong[i] || otherwise is null || Math.Max(places[_labels[then!]], places[_labels[otherwise]]) - places[i] - 1 <= byte.MaxValue)
                continue;
            changed = isLong[i] = true;
        }
        return changed;
    }

    private void Emit(List<sock_filter> program, int at, int[] places, bool isLong)
    {
        (sock_filter instruction, string? then, string? otherwise) = _code[at];
        if (then is null)
            program.Add(instruction);
        else if (otherwise is null)
            program.Add(JumpTo(then));
        else if (!isLong)
            program.Add(instruction with { jt = Distance(then), jf = Distance(otherwise) });
        else
        {
            program.Add(instruction with { jt = 0, jf = 1 });
            program.Add(JumpTo(then));
            if (!GoesOn(at))
                program.Add(JumpTo(otherwise));
        }

        byte Distance(string label) => checked((byte)(places[_labels[label]] - program.Count - 1));
        sock_filter JumpTo(string label) => new(BPF_JMP | BPF_JA, 0, 0, checked((uint)(places[_labels[label]] - program.Count - 1)));
    }
}
