using System.Globalization;
using Netmap.Interop;

namespace Netmap.Tests.Netns.Native;

/// <summary>An eBPF program, map or link in the kernel.</summary>
/// <param name="Kind"><c>prog_id</c>, <c>map_id</c> or <c>link_id</c>, as fdinfo has it (proc(5)).</param>
/// <param name="Id">The kernel's number, which it does not give again soon.</param>
internal readonly record struct BpfObject(string Kind, uint Id)
{
    /// <summary>The kernel has it.</summary>
    public unsafe bool Exists
    {
        get
        {
            bpf_attr_id ask = new() { id = Id - 1 };
            int next = Kind switch
            {
                "prog_id" => LinuxBpf.BPF_PROG_GET_NEXT_ID,
                "map_id" => LinuxBpf.BPF_MAP_GET_NEXT_ID,
                _ => LinuxBpf.BPF_LINK_GET_NEXT_ID,
            };
            return !LinuxBpf.bpf(next, &ask, (uint)sizeof(bpf_attr_id)).IsError && ask.next_id == Id;
        }
    }

    /// <summary>Those that a process has descriptors of; a link's program too.</summary>
    public static IEnumerable<BpfObject> Of(string process) => Directory.GetFiles($"/proc/{process}/fdinfo").SelectMany(Read);

    /// <inheritdoc cref="Of"/>
    public static IEnumerable<BpfObject> Ours() => Of("self");

    private static IEnumerable<BpfObject> Read(string file)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(file);
        }
        catch (IOException)
        {
            // Closed meanwhile, such as the descriptor of the folder we look into.
            return [];
        }
        return lines.Select(line => line.Split(':', StringSplitOptions.TrimEntries))
            .Where(words => words[0] is "prog_id" or "map_id" or "link_id")
            .Select(words => new BpfObject(words[0], uint.Parse(words[1], CultureInfo.InvariantCulture)));
    }
}
