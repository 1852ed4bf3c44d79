using CsCheck;

namespace Netmap.Tests.Abi;

/// <summary>The C library as C programs see it: names taken apart (spec 11.2), and nothing but its own functions exported.</summary>
public sealed class LibNetmapTests
{
    [Fact]
    public void NamesAreTakenApart() => Answers(
        ("netmap:eth0", "eth0 1 0 0x0 0 0/0 0/0 0/0"),
        ("netmap:eth0-3", "eth0 4 3 0x0 0 0/0 0/0 0/0"),
        ("netmap:eth0^", "eth0 2 0 0x0 0 0/0 0/0 0/0"),
        ("netmap:eth0^1", "eth0 8 1 0x0 0 0/0 0/0 0/0"),
        ("netmap:eth0*/x@2", "eth0 3 0 0x800 2 0/0 0/0 0/0"),
        ("netmap:eth0@2/x", "eth0 1 0 0x800 2 0/0 0/0 0/0"),
        ("netmap:eth0/zr", "eth0 1 0 0x600 0 0/0 0/0 0/0"),
        ("netmap:eth0/tRT", "eth0 1 0 0x6100 0 0/0 0/0 0/0"),
        ("vale:1", "vale:1 1 0 0x0 0 0/0 0/0 0/0"),
        ("vale0:p}x", "vale0:p}x 1 0 0x0 0 0/0 0/0 0/0"),
        ("netmap:a{b1/xT@5", "a{b1 1 0 0x4800 5 0/0 0/0 0/0"),
        ("vale0:p@conf:rings=2,tx-slots=512", "vale0:p 1 0 0x0 0 2/2 512/0 0/0"),
        ("netmap:eth0/@2", "eth0 1 0 0x0 2 0/0 0/0 0/0"),
        ("netmap:eth0-3/@conf:rings=2", "eth0 4 3 0x0 0 2/2 0/0 0/0"),
        ("vale0:p@conf:slots=-3,rx_slots=2147483647", "vale0:p 1 0 0x0 0 0/0 4294967293/2147483647 0/0"),
        ("vale0:p@conf:rings= +2x,host_rings=65537,slots=x", "vale0:p 1 0 0x0 0 2/2 0/0 1/1"),
        ("vale0:p@conf:slots=64,rx_slots=128,host-rings=3", "vale0:p 1 0 0x0 0 0/0 64/128 3/3"),
        ("netmap:eth0@3@conf:rings=2", "eth0 1 0 0x0 3 2/2 0/0 0/0"),
        ("vale0:", "vale0: 1 0 0x0 0 0/0 0/0 0/0"));

    [Theory]
    [InlineData("eth0")]
    [InlineData("netmap0:e")]
    [InlineData("netmap:")]
    [InlineData("netmap:e{")]
    [InlineData("netmap:a{b{c")]
    [InlineData("netmap:e-")]
    [InlineData("netmap:e-x")]
    [InlineData("netmap:e-4095")]
    [InlineData("netmap:e/")]
    [InlineData("netmap:e/q")]
    [InlineData("netmap:e*-1")]
    [InlineData("netmap:e@")]
    [InlineData("netmap:e@0")]
    [InlineData("netmap:e@2@3")]
    [InlineData("vale-1:x")]
    [InlineData("netmap:br-lan")]
    [InlineData("netmap:e@conf=2")]
    [InlineData("netmap:e@conf:foo=1")]
    [InlineData("netmap:e@conf:rings=1,rings=2")]
    [InlineData("netmap:e@conf:rings")]
    [InlineData("netmap:e@conf:rings=1,")]
    [InlineData("netmap:e@conf:,rings=1")]
    [InlineData("netmap:e@65536")]
    [InlineData("netmap:e@conf")]
    [InlineData("netmap:e@nothing=1")]
    [InlineData("netmap:e@share=")]
    [InlineData("netmap:e@@conf:rings=1")]
    public void WrongNamesAreRefused(string name) => Answers((name, "refused 22"));

    /// <summary>netmap's structs have no field for it: the environment says it for C programs.</summary>
    [Fact]
    public void SharingCannotBeAskedForInAName() => Answers(
        ("netmap:e@conf:users=alice", "refused 95"),
        ("netmap:e@conf:rings=2,owner=alice", "refused 95"));

    [Fact]
    public void OffsetsAreRefusedUntilEnabled()
    {
        Answers(("netmap:e@offset=8", "refused 95"));
        Assert.Equal("e 1 0 0x0 0 0/0 0/0 0/0 offsets 8 16\n", Ask("netmap:e@offset:initial=8,bits=16\n", "offset"));
        Assert.Equal("refused 22\n", Ask("netmap:e@offset:bits=16\n", "offset"));
    }

    [Fact]
    public void WithoutTheDeviceSharingSaysSo() => Answers(("netmap:e@share=netmap:f", "refused 2"), ("netmap:e@extmem=/nonexistent", "refused 2"));

    [Fact]
    public void RandomNamesMeanTheSameInDotnet()
    {
        Gen<string> names = Gen.String[Gen.Char["netmapvl01:{}-*^/@xztrRT_9"], 0, 12];
        string[] inputs = [.. names.Array[3000].Single().Select((name, i) => i % 4 == 0 ? name : i % 2 == 0 ? $"netmap:e{name}" : $"vale{name}").Where(name => name.Length > 0)];
        string[] answers = Ask(string.Join('\n', inputs) + "\n").TrimEnd('\n').Split('\n');
        Assert.Equal(inputs.Length, answers.Length);
        foreach ((string input, string answer) in inputs.Zip(answers))
            Assert.Equal((input, Dotnet(input)), (input, answer));
        Assert.Contains(answers, answer => !answer.StartsWith("refused"));
    }

    [Fact]
    public void OnlyItsOwnNamesAreExported()
    {
        (int exit, string symbols) = CLibrary.Run("nm", "", "-D", "--defined-only", "--format=posix", $"{CLibrary.Prefix}/lib/libnetmap.so");
        Assert.Equal(0, exit);
        string[] functions = [.. symbols.Split('\n').Select(line => line.Split(' ')).Where(parts => parts.Length > 1 && parts[1] == "T").Select(parts => parts[0].Split('@')[0])];
        Assert.All(functions, name => Assert.Matches("^(nmport|nmreq|nmctx)_", name));
        Assert.Equal(39, functions.Length);
        Assert.True(new FileInfo($"{CLibrary.Prefix}/lib/libnetmap.so").Length < 3_000_000);
    }

    private static void Answers(params (string Name, string Answer)[] table)
    {
        string[] answers = Ask(string.Concat(table.Select(row => row.Name + "\n"))).TrimEnd('\n').Split('\n');
        Assert.Equal(table.Select(row => (row.Name, row.Answer)), table.Zip(answers, (row, answer) => (row.Name, answer)));
    }

    private static string Ask(string names, params string[] arguments)
    {
        string program = CLibrary.Compile("names.c");
        try
        {
            (int exit, string output) = CLibrary.Run(program, names, arguments);
            Assert.True(exit == 0, output);
            return output;
        }
        finally
        {
            File.Delete(program);
        }
    }

    private static string Dotnet(string name)
    {
        try
        {
            PortName parsed = PortName.Parse(name);
            return $"{parsed.Name} {parsed.Mode} {parsed.Ring} 0x{parsed.Flags:x} {parsed.MemoryId} 0/0 0/0 0/0";
        }
        catch (NetmapException)
        {
            return "refused 22";
        }
    }
}
