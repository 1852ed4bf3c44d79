using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>What the kernel says about a loaded program, ours or not.</summary>
/// <param name="Id">Its number, as `bpftool prog show id` takes it.</param>
/// <param name="Name">Its name, at most 15 characters; empty for one without.</param>
/// <param name="Type">BPF_PROG_TYPE_*.</param>
internal readonly unsafe record struct BpfProgramInfo(uint Id, string Name, int Type)
{
    /// <summary>Asks about the program behind a descriptor.</summary>
    public static bool TryAsk(int descriptor, out BpfProgramInfo info)
    {
        bpf_prog_info found = default;
        bpf_attr_info ask = new() { bpf_fd = (uint)descriptor, info_len = (uint)sizeof(bpf_prog_info), info = (ulong)&found };
        bool told = !LinuxBpf.bpf(LinuxBpf.BPF_OBJ_GET_INFO_BY_FD, &ask, (uint)sizeof(bpf_attr_info)).IsError;
        info = told ? new(found.id, Marshal.PtrToStringUTF8((nint)found.name) ?? "", (int)found.type) : default;
        return told;
    }

    /// <summary>Asks about any program by its number; needs CAP_SYS_ADMIN.</summary>
    public static bool TryFind(uint id, out BpfProgramInfo info)
    {
        bpf_attr_id ask = new() { id = id };
        SysResult fd = LinuxBpf.bpf(LinuxBpf.BPF_PROG_GET_FD_BY_ID, &ask, (uint)sizeof(bpf_attr_id));
        if (fd.IsError)
        {
            info = default;
            return false;
        }
        using SafeDescriptor program = new(fd.Int32);
        return TryAsk(program.Fd, out info);
    }
}
