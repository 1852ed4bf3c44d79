using Netmap.Bpf.Filters;
using Netmap.Interop;
using static Netmap.Interop.LinuxFilter;

namespace Netmap.Tests.Netns.Filters;

/// <summary>
/// Filters in the kernel on made-up frames: before the driver's frames (XDP, in one piece and in several), at the tcx hook, and
/// on packet sockets they say the same, and what pcap-filter(7) says.
/// </summary>
public sealed class FilterProgramTests
{
    public FilterProgramTests() => Privileges.RequireBpf();

    [Theory]
    [InlineData("udp dst port 4789", "udp4789", "udp4789 with options", "udp4789 first fragment", "udp4789 over ip6", "long udp4789")]
    [InlineData("ip and udp port 4789", "udp4789", "udp4789 with options", "udp4789 first fragment", "long udp4789")]
    [InlineData("tcp port 22", "tcp22", "tcp22 over ip6")]
    [InlineData("port 4789", "udp4789", "udp4789 with options", "udp4789 first fragment", "udp4789 over ip6", "tcp4789", "long udp4789")]
    [InlineData("arp", "arp")]
    [InlineData("ether proto 0x88cc", "lldp")]
    [InlineData("icmp", "icmp")]
    [InlineData("ip6", "udp4789 over ip6", "tcp22 over ip6")]
    [InlineData("vlan 5 and udp port 4789", "vlan 5 udp4789")]
    [InlineData("vlan 5", "vlan 5 udp4789", "vlan 5 arp", "vlan 7 of vlan 5 udp4789")]
    [InlineData("vlan 5 and vlan 7 and udp", "vlan 7 of vlan 5 udp4789")]
    [InlineData("ether[12:4] = 0x81000006", "vlan 6 udp4789")]
    [InlineData("ip6 src host fd00::2 and tcp", "tcp22 over ip6")]
    [InlineData("src net 10.9.0.0/24 and not udp", "tcp22", "tcp4789", "icmp")]
    [InlineData("ip[0] & 0xf > 5", "udp4789 with options")]
    [InlineData("ip[6:2] & 0x1fff != 0", "udp4789 fragment")]
    [InlineData("greater 1000", "long udp4789")]
    [InlineData("udp[8 + (ip[1] & 1)] = 0 and dst port 53", "udp53")]
    [InlineData("ether dst 02:00:00:00:00:09")]
    public void AnExpressionTakesItsFrames(string expression, params string[] taken)
    {
        using FilterBench bench = new(FrameFilter.Compile(expression, null));
        Assert.Equal(taken.Order(), Frames.All.Where(frame => bench.Matches(frame.Value)).Select(frame => frame.Key).Order());
    }

    /// <summary>However short a frame is, all agree on it, and none is read behind its end.</summary>
    [Theory]
    [InlineData("udp dst port 4789")]
    [InlineData("vlan 5 and udp port 4789")]
    [InlineData("ip6 and udp and ip6[40] = 0x30")]
    [InlineData("udp[4:2] < 200")]
    public void ATruncatedFrameIsJudgedAlikeAtEveryLength(string expression)
    {
        using FilterBench bench = new(FrameFilter.Compile(expression, null));
        foreach (byte[] frame in Frames.All.Values)
        {
            for (int length = 1; length < Math.Min(frame.Length, 100); length++)
                bench.Matches(frame[..length]);
        }
    }

    /// <summary>A tag that the kernel took out of the frame is where it was for the filter.</summary>
    [Theory]
    [InlineData("udp port 4789")]
    [InlineData("vlan 5 and udp port 4789", "udp4789", "udp4789 with options", "udp4789 first fragment", "udp4789 over ip6", "long udp4789")]
    [InlineData("vlan and arp", "arp")]
    [InlineData("vlan 6")]
    [InlineData("ether[12:4] = 0x81002005 and ether[16:2] = 0x88cc", "lldp")]
    [InlineData("ether[12] = 0x81 and ether[13] = 0 and ether[14] = 0x20 and ether[15] = 5 and ether[10:4] = 0x28100 and ether[14:4] = 0x20050806", "arp")]
    [InlineData("greater 1000", "long udp4789")]
    [InlineData("vlan 5 and vlan 7 and udp", "vlan 7 of vlan 5 udp4789", "7 beside 5")]
    public void ATagBesideTheFrameIsSeenInItsPlace(string expression, params string[] taken)
    {
        using FilterBench bench = new(FrameFilter.Compile(expression, null));
        List<string> found = [];
        foreach ((string name, byte[] frame) in (IEnumerable<KeyValuePair<string, byte[]>>)[.. Frames.All, new("7 beside 5", Frames.Vlan(7, Frames.All["udp4789"]))])
        {
            bool matches = bench.MatchesTagged(frame, out bool whole);
            Assert.Equal(whole, matches);
            if (matches)
                found.Add(name);
        }
        // In frames of the table that have a tag, the one beside them comes first: vlan 5 then is the outer one of two.
        Assert.Equal(taken.Except(["vlan 7 of vlan 5 udp4789"]).Order(), found.Where(name => !name.StartsWith("vlan", StringComparison.Ordinal)).Order());
    }

    /// <summary>Whatever instructions somebody sends: they are refused, or every translation gives what the machine gives.</summary>
    [Fact]
    public void RandomFiltersMeanTheSameEverywhere()
    {
        int accepted = 0;
        int matched = 0;
        for (int seed = 0; seed < 400; seed++)
        {
            Random random = new(seed);
            sock_filter[] code = RandomFilter.Make(random);
            FrameFilter filter;
            try
            {
                filter = new(code, $"seed {seed}", null);
            }
            catch (NetmapException refused)
            {
                Assert.Equal("EINVAL", refused.ErrorName);
                continue;
            }
            accepted++;
            using FilterBench bench = new(filter);
            for (int i = 0; i < 20; i++)
            {
                byte[] frame = new byte[random.Next(14, 120)];
                random.NextBytes(frame);
                matched += bench.Matches(frame) ? 1 : 0;
                matched += bench.MatchesTagged(frame, out _) ? 1 : 0;
            }
        }
        Assert.True(accepted > 200, $"{accepted} filters");
        Assert.InRange(matched, 500, (accepted * 40) - 500);
    }

    /// <summary>As many instructions as there may be, all of them jumps as far as they reach, and as many loads at run-time places as fit.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void TheLongestFilterLoads(int loads)
    {
        List<sock_filter> code = [.. Enumerable.Range(0, loads).Select(i => new sock_filter(BPF_LD | BPF_B | BPF_IND, 0, 0, (uint)(i % 14)))];
        while (loads == 0 && code.Count < ClassicCheck.MostInstructions - 300)
            code.Add(new(BPF_JMP | BPF_JGT | BPF_K, 255, 0, (uint)code.Count));
        while (code.Count < ClassicCheck.MostInstructions)
            code.Add(new(BPF_RET | BPF_K, 0, 0, (uint)(code.Count & 1)));
        using FilterBench bench = new(new([.. code], "long", null));
        bench.Matches(Frames.All["udp4789"]);
        bench.MatchesTagged(Frames.All["udp4789"], out _);
    }

    [Fact]
    public void AFilterTooLongForASocketSaysSo()
    {
        sock_filter[] code = [.. Enumerable.Repeat(new sock_filter(BPF_LD | BPF_B | BPF_IND, 0, 0, 1), 890), new(BPF_RET | BPF_K, 0, 0, 1)];
        NetmapException refused = Assert.Throws<NetmapException>(() => SocketFilter.Assemble(1, new(code, "long", null), "v0"));
        Assert.Equal("E2BIG", refused.ErrorName);
        Assert.Contains("4096", refused.Message);
    }
}
