using Netmap.Bpf.Filters;
using Netmap.Client;
using Netmap.Interop;
using static Netmap.Interop.LinuxFilter;

namespace Netmap.Tests.Unit.Server;

/// <summary>Filters that come over the socket: what is none is refused in words, what is nonsense ends the session, and the server goes on.</summary>
public sealed class FilterRequestTests
{
    private static readonly sock_filter s_yes = new(BPF_RET | BPF_K, 0, 0, 1);

    private static readonly Dictionary<string, sock_filter[]> s_hostile = new()
    {
        ["no verdict"] = [new(BPF_LD | BPF_LEN, 0, 0, 0)],
        ["a code that is none"] = [new(0xff, 0, 0, 0), s_yes],
        ["wide code"] = [new(0x1006, 0, 0, 0), s_yes],
        ["jumps out"] = [new(BPF_JMP | BPF_JA, 0, 0, 1), s_yes],
        ["jumps back"] = [new(BPF_JMP | BPF_JA, 0, 0, uint.MaxValue), s_yes],
        ["jumps far out"] = [new(BPF_JMP | BPF_JEQ | BPF_K, 0, 255, 0), s_yes],
        ["divides by zero"] = [new(BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0), s_yes],
        ["shifts too far"] = [new(BPF_ALU | BPF_LSH | BPF_K, 0, 0, 32), s_yes],
        ["scratch behind the end"] = [new(BPF_ST, 0, 0, 16), s_yes],
        ["scratch not written"] = [new(BPF_LD | BPF_MEM, 0, 0, 3), s_yes],
        ["scratch written on one way"] = [new(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 7), new(BPF_ST, 0, 0, 0), new(BPF_LDX | BPF_MEM, 0, 0, 0), s_yes],
        ["all of the scratch"] = [.. Enumerable.Range(0, 16).Select(i => new sock_filter(BPF_ST, 0, 0, (uint)i)), s_yes],
        ["the mark of another's frames"] = [new(BPF_LD | BPF_W | BPF_ABS, 0, 0, unchecked((uint)(SKF_AD_OFF + SKF_AD_MARK))), s_yes],
        ["far behind the frame"] = [new(BPF_LD | BPF_W | BPF_ABS, 0, 0, 20000), s_yes],
        ["before the frame"] = [new(BPF_LD | BPF_B | BPF_IND, 0, 0, unchecked((uint)-4)), s_yes],
        ["a header before the frame"] = [new(BPF_LDX | BPF_B | BPF_MSH, 0, 0, unchecked((uint)-0x100000)), s_yes],
    };

    public static TheoryData<string> Hostile => [.. s_hostile.Keys];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void InstructionsThatAreNoFilterAreRefusedInWords(string what)
    {
        sock_filter[] code = s_hostile[what];
        using TestServer server = new();
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        (Errno result, string words) = Ask(client, Filter((uint)code.Length, code, "\u001b[31mred\nline"));
        Assert.Equal(Errno.EINVAL, result);
        Assert.Contains(" [31mred line", words);
        Assert.DoesNotContain(words, char.IsControl);
        // The session is as good as before, and takes a filter that is one.
        Assert.Equal((Errno.Success, ""), Ask(client, Filter(1, [s_yes], "all")));
        Assert.Equal((Errno.Success, ""), Ask(client, Filter(0, [], "")));
    }

    [Theory]
    [InlineData(2, 1, 0)]
    [InlineData(901, 901, 0)]
    [InlineData(uint.MaxValue, 1, 0)]
    [InlineData(1, 1, 7)]
    public void LengthsThatMakeNoSenseEndTheSession(uint said, int sent, uint spare)
    {
        using TestServer server = new();
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        client.Session.Send(Filter(said, [.. Enumerable.Repeat(s_yes, sent)], "", spare).Bytes);
        Assert.True(RawClient.IsClosed(client.Session));
        Assert.Equal(1, server.Server.GetStatus().Malformed);
        Assert.Equal(Errno.Success, client.Attach());
    }

    [Fact]
    public void PortsWithoutAnInterfaceRefuseFilters()
    {
        using TestServer server = new();
        foreach (string name in (string[])["vale0:a", "netmap:x{1"])
        {
            NetmapException refused = Assert.Throws<NetmapException>(() => server.Open(name, new() { Filter = "udp" }));
            Assert.Equal("EOPNOTSUPP", refused.ErrorName);
            Assert.Contains("interface", refused.Message);
        }
    }

    [Fact]
    public void AFilterComesBeforeThePort()
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { BufferCount = 4096 });
        using Netmap.Control.NetmapFile file = engine.Core.Open();
        nmreq_register request = new() { nr_mode = NetmapReq.NR_REG_ALL_NIC };
        lock (engine.Core.ControlLock)
            file.Register("vale0:a", ref request);
        Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => file.Filter = new FrameFilter([s_yes], "all", null)).ErrorName);
    }

    [Theory]
    [InlineData("udp port", "syntax error")]
    [InlineData("ether[0", "syntax error")]
    public void ABadExpressionIsOneLineWithLibpcapsWords(string expression, string words)
    {
        using TestServer server = new();
        NetmapException refused = Assert.Throws<NetmapException>(() => server.Open("vale0:a", new() { Filter = expression }));
        Assert.Equal("EINVAL", refused.ErrorName);
        Assert.Contains(words, refused.Message);
        Assert.DoesNotContain('\n', refused.Message);
    }

    private static Message Filter(uint count, sock_filter[] code, string words, uint spare = 0)
    {
        Message message = new Message(NmsH.NMS_REQUEST_MAX).Begin(NmsH.NMS_FILTER).Append(new nms_filter { count = count, spare = spare });
        foreach (sock_filter one in code)
            message.Append(one);
        return message.Append(words);
    }

    private static (Errno Result, string Words) Ask(RawClient client, Message message)
    {
        Assert.False(client.Session.Send(message.Bytes).IsError);
        Message answer = new(NmsH.NMS_ANSWER_MAX);
        SysResult received = client.Session.Receive(answer.Room, []);
        Assert.True(answer.Received(received.Int32));
        return ((Errno)answer.Header.result, System.Text.Encoding.UTF8.GetString(answer.Body));
    }
}
