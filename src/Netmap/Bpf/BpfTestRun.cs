using Netmap.Interop;

namespace Netmap.Bpf;

/// <summary>What a test run gave.</summary>
/// <param name="Verdict">The program's R0.</param>
/// <param name="Length">Bytes of the frame afterwards; the run's output buffer holds them if they fit.</param>
/// <param name="NanosecondsEach">Average time of one repetition.</param>
internal readonly record struct BpfVerdict(int Verdict, int Length, uint NanosecondsEach);

/// <summary>Runs a program on a made-up frame: BPF_PROG_TEST_RUN (the kernel's Documentation/bpf/bpf_prog_run.rst).</summary>
internal static unsafe class BpfTestRun
{
    /// <summary>Runs it <paramref name="repeat"/> times; nothing leaves the kernel.</summary>
    /// <param name="program">XDP or SCHED_CLS.</param>
    /// <param name="frame">At least an Ethernet header.</param>
    /// <param name="output">The frame afterwards; may be empty.</param>
    /// <param name="context">xdp_md or __sk_buff to start from; may be empty.</param>
    /// <param name="repeat">At least 1.</param>
    /// <exception cref="NetmapException">EPERM, EINVAL, ENOSPC the output is too short.</exception>
    public static BpfVerdict Run(BpfProgram program, ReadOnlySpan<byte> frame, Span<byte> output = default,
        ReadOnlySpan<byte> context = default, int repeat = 1)
    {
        fixed (byte* data = frame)
        fixed (byte* changed = output)
        fixed (byte* given = context)
        {
            bpf_attr_test_run run = new()
            {
                prog_fd = (uint)program.Descriptor,
                data_in = (ulong)data,
                data_size_in = (uint)frame.Length,
                data_out = (ulong)changed,
                data_size_out = (uint)output.Length,
                ctx_in = (ulong)given,
                ctx_size_in = (uint)context.Length,
                repeat = (uint)repeat,
            };
            SysResult done = LinuxBpf.bpf(LinuxBpf.BPF_PROG_TEST_RUN, &run, (uint)sizeof(bpf_attr_test_run));
            return done.IsError
                ? throw new NetmapException(done.Errno, "test run", null, "the kernel refused to run the program")
                : new((int)run.retval, (int)run.data_size_out, run.duration);
        }
    }

    /// <summary>
    /// Runs an XDP program on live frames: its verdicts are carried out, so frames are sent, redirected, or reach the host
    /// as if received. The call lasts until all repetitions are done or a signal comes (EINTR).
    /// </summary>
    /// <param name="program">XDP.</param>
    /// <param name="frame">Each repetition starts from some earlier state of a page that held this frame.</param>
    /// <param name="interfaceIndex">Where the frames come from: must be there in this namespace; 0 for the loopback.</param>
    /// <param name="repeat">Frames.</param>
    /// <param name="batch">Frames the kernel takes at a time; 0 for its own choice, 64.</param>
    public static SysResult RunLive(BpfProgram program, ReadOnlySpan<byte> frame, int interfaceIndex, uint repeat, uint batch = 0)
    {
        xdp_md context = new() { data_end = (uint)frame.Length, ingress_ifindex = (uint)interfaceIndex };
        fixed (byte* data = frame)
        {
            bpf_attr_test_run run = new()
            {
                prog_fd = (uint)program.Descriptor,
                data_in = (ulong)data,
                data_size_in = (uint)frame.Length,
                ctx_in = (ulong)&context,
                ctx_size_in = (uint)sizeof(xdp_md),
                repeat = repeat,
                flags = LinuxBpf.BPF_F_TEST_XDP_LIVE_FRAMES,
                batch_size = batch,
            };
            return LinuxBpf.bpf(LinuxBpf.BPF_PROG_TEST_RUN, &run, (uint)sizeof(bpf_attr_test_run));
        }
    }
}
