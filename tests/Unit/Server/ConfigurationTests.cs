using System.Runtime.Versioning;
using CsCheck;
using Netmap.Access;
using Netmap.Server;
using Netmap.Server.Configuration;

namespace Netmap.Tests.Unit.Server;

/// <summary>The administrator's configuration: what lines mean, and that a wrong one is said with its place and nothing else happens.</summary>
[SupportedOSPlatform("linux")]
public sealed class ConfigurationTests : IDisposable
{
    private static readonly ResourceLimits s_defaults = ResourceAccounts.Defaults(new() { Host = "@x" });

    private readonly string _folder = Directory.CreateTempSubdirectory("netmap-config").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AdministratorsAreUsersAndMembersOfGroups()
    {
        AccessPolicy policy = Parse("admin alice %netadmin   # the two of us", "", "admin 77").Policy;
        Assert.True(policy.Administers(User(1000)));
        Assert.True(policy.Administers(User(5, 50)));
        Assert.True(policy.Administers(User(77)));
        Assert.True(policy.Administers(User(Credentials.Root)));
        Assert.False(policy.Administers(User(1001, 51)));
    }

    [Fact]
    public void InterfacesAreThoseThatTheirRulesName()
    {
        AccessPolicy policy = Parse("interface eth1 alice %capture", "interface tap:* bob", "interface wan* alice+bob").Policy;
        Assert.True(policy.MayOpenInterface("eth1", User(1000)));
        Assert.True(policy.MayOpenInterface("eth1", User(7, 51)));
        Assert.False(policy.MayOpenInterface("eth1", User(1001)));
        Assert.False(policy.MayOpenInterface("eth10", User(1000)));
        Assert.True(policy.MayOpenInterface("tap:x", User(1001)));
        Assert.False(policy.MayOpenInterface("tap:x", User(1000)));
        Assert.True(policy.MayOpenInterface("wan2", User(1000)) && policy.MayOpenInterface("wan2", User(1001)));
    }

    [Fact]
    public void ASwitchWithARuleIsReservedAndAPortsRuleJoinsThoseOfOneLine()
    {
        AccessPolicy policy = Parse("switch vale0 alice", "port vale9:p alice bob", "port vale9:q bob").Policy;
        Assert.True(policy.Reserves("vale0"));
        Assert.False(policy.Reserves("vale1"));
        Assert.True(policy.MayUseSwitch("vale0", User(1000)));
        Assert.False(policy.MayUseSwitch("vale0", User(1001)));
        Assert.True(policy.MayJoinPort("vale9:p", owner: User(1000), who: User(1001)));
        Assert.False(policy.MayJoinPort("vale9:p", owner: User(1002), who: User(1001)));
        Assert.True(policy.MayJoinPort("vale9:q", owner: User(Credentials.Root), who: User(1001)));
    }

    [Fact]
    public void LimitsAreTheUsersThenThoseOfAllThenTheOptions()
    {
        ServerConfiguration found = Parse("limit alice memory=2G rings=64", "limit * rings=16 ports=unlimited");
        ResourceLimits alice = found.LimitsOf(1000, s_defaults);
        Assert.Equal((2L << 30, 64, int.MaxValue), (alice.Memory, alice.Rings, alice.Ports));
        Assert.Equal(s_defaults.Switches, alice.Switches);
        ResourceLimits bob = found.LimitsOf(1001, s_defaults);
        Assert.Equal((s_defaults.Memory, 16, int.MaxValue), (bob.Memory, bob.Rings, bob.Ports));
        Assert.Equal("f:1: user alice (1000) may have memory 2048 MiB, memories 512, rings 64, switches 8, ports unlimited, attachments 16",
            found.Rules[0]);
    }

    [Theory]
    [InlineData("nonsense", "'nonsense' is no rule")]
    [InlineData("Admin alice", "'Admin' is no rule")]
    [InlineData("admin", "no user is named")]
    [InlineData("admin # alice", "no user is named")]
    [InlineData("admin %", "% is followed by a group's name")]
    [InlineData("interface", "a name and users are missing")]
    [InlineData("interface eth1", "no user is named")]
    [InlineData("interface eth1 +", "no user is named")]
    [InlineData("interface vale0 alice", "is a switch's name")]
    [InlineData("interface averyveryverylongname alice", "is too long for an interface")]
    [InlineData("switch vale0:p alice", "a switch's has no colon")]
    [InlineData("switch br0 alice", "begins with vale")]
    [InlineData("limit alice", "users and limits are missing")]
    [InlineData("limit memory=1G", "users and limits are missing")]
    [InlineData("limit alice memory=2", "a number with K, M, G or T behind it")]
    [InlineData("limit alice memory=-2G", "a number with K, M, G or T behind it")]
    [InlineData("limit alice memory=99999999999T", "a number with K, M, G or T behind it")]
    [InlineData("limit alice memory=", "a number with K, M, G or T behind it")]
    [InlineData("limit alice rings=many", "is neither a number nor unlimited")]
    [InlineData("limit alice rings=4294967296", "is neither a number nor unlimited")]
    [InlineData("limit alice rings=1 rings=2", "a second rings")]
    [InlineData("limit alice threads=1", "there is no limit 'threads'")]
    [InlineData("limit alice rings=1 bob", "'bob' is not KEY=VALUE")]
    [InlineData("limit %capture rings=1", "a limit is a user's")]
    [InlineData("limit 1000 rings=1\nlimit alice rings=2", "there are limits for alice already: f:1")]
    [InlineData("limit * rings=1\nlimit * rings=2", "there are limits for * already: f:1")]
    public void AWrongLineIsSaidWithItsPlace(string text, string problem)
    {
        string[] lines = text.Split('\n');
        string words = Assert.Throws<ConfigurationException>(() => Parse(lines)).Message;
        Assert.StartsWith($"f:{lines.Length}: ", words);
        Assert.Contains(problem, words);
    }

    [Fact]
    public void WhoDoesNotExistIsAWarningAndGetsNothing()
    {
        ServerConfiguration found = Parse("interface eth1 carol alice", "switch vale0 %nogroup", "limit carol rings=1");
        Assert.Equal(["f:1: there is no user 'carol'", "f:2: there is no group 'nogroup'", "f:3: there is no user 'carol'"],
            found.Warnings.Select(warning => warning[..warning.IndexOf(" here", StringComparison.Ordinal)]));
        Assert.True(found.Policy.MayOpenInterface("eth1", User(1000)));
        // Still kept from all others.
        Assert.True(found.Policy.Reserves("vale0"));
        Assert.False(found.Policy.MayUseSwitch("vale0", User(1000)));
        Assert.Equal("f:2: no user may make switch vale0 and have ports on it; others only where its owner shares it", found.Rules[1]);
    }

    /// <summary>Any text, and text of the grammar's own words in any order.</summary>
    [Fact]
    public void AnyTextIsARuleOrTheOneErrorWithAPlace()
    {
        string[] words =
        [
            "admin", "interface", "switch", "port", "limit", "alice", "%capture", "%", "*", "+", "=", "memory=1G", "rings=", "eth0", "vale0",
            "vale0:x", "#", "\t", "\u001b[2J", "-1",
        ];
        Gen<string> line = Gen.OneOf(Gen.String,
            Gen.Int[0, words.Length - 1].Array[0, 8].Select(some => string.Join(' ', some.Select(i => words[i]))));
        Gen.Select(line, line).Sample(lines =>
        {
            try
            {
                ServerConfiguration found = Parse(lines.Item1, lines.Item2);
                Assert.All(found.Rules.Concat(found.Warnings), said => AssertOneLine(said));
            }
            catch (ConfigurationException problem)
            {
                AssertOneLine(problem.Message);
            }
        });
    }

    [Fact]
    public void OptionsAndAFileAreReadTogether()
    {
        string file = Write("interface eth2 root\n");
        ConfigurationSource source = new()
        {
            File = file,
            Administrators = ["4711"],
            Interfaces = ["eth1=root"],
            Switches = ["vale0=root"],
            Ports = ["a=b=root"],
        };
        ServerConfiguration found = source.Read(new() { Host = "@x" });
        Assert.Equal(5, found.Rules.Count);
        Assert.StartsWith("--admin: user 4711", found.Rules[0]);
        Assert.StartsWith("--allow-port: user root (0) may open port a=b ", found.Rules[3]);
        Assert.StartsWith($"{file}:1: ", found.Rules[4]);
        Assert.StartsWith("--allow-switch: ", Refusal(new() { Switches = ["vale0"] }));
    }

    [Fact]
    public void ACheckFindsEveryWrongLine()
    {
        ConfigurationSource source = new() { File = Write("x\nadmin root\ny\n") };
        ServerConfiguration found = source.Check(new() { Host = "@x" }, out IReadOnlyList<ConfigurationException> wrong);
        Assert.Single(found.Rules);
        Assert.Equal([$"{source.File}:1", $"{source.File}:3"],
            wrong.Select(line => line.Message[..line.Message.IndexOf(": ", StringComparison.Ordinal)]));
    }

    [Fact]
    public void AFileThatOthersCouldWriteIsRefused()
    {
        string file = Write("admin root\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
        Assert.Contains("chmod o-w", Refusal(new() { File = file }));
        Assert.StartsWith($"{_folder}/none: it cannot be read: ", Refusal(new() { File = _folder + "/none" }));
    }

    [Fact]
    public void MoreMemoryThanThereIsIsWarnedOf()
    {
        ServerConfiguration found = Parse("limit alice memory=8G", "limit bob memory=3G");
        string[] warnings = [.. MemorySum.Warnings(found, s_defaults, "netmap", [1000, 1001], available: 4L << 30)];
        Assert.Equal(2, warnings.Length);
        Assert.Equal("f:1: 8192 MiB of memory is more than this machine's 4096 MiB", warnings[0]);
        Assert.StartsWith("group netmap: its 2 users could have 11264 MiB of memory together", warnings[1]);
        Assert.Empty(MemorySum.Warnings(found, s_defaults, "netmap", [1000, 1001], available: 16L << 30));
    }

    /// <summary>Lowering a limit takes nothing away, and gives nothing more.</summary>
    [Fact]
    public void NewLimitsHoldForAccountsThatAreThere()
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { BufferCount = 8192 });
        NetmapServerOptions options = new() { Host = "@x" };
        ResourceAccounts accounts = new(engine.Core, options, areMany: true);
        ResourceAccount alice = accounts.Of(1000);
        alice.TakeSwitch("vale0");
        alice.TakeSwitch("vale1");
        accounts.Apply(Parse("limit alice switches=1", "interface eth1 bob"));
        Assert.Equal((2, 1), (alice.Switches, alice.Limits.Switches));
        Assert.Equal("ENOMEM", Assert.Throws<NetmapException>(() => alice.TakeSwitch("vale2")).ErrorName);
        Assert.Same(alice, accounts.Of(1000));
        Assert.Equal(8, accounts.Of(1001).Limits.Switches);
        Assert.True(engine.Core.Policy.MayOpenInterface("eth1", User(1001)));
        AccountStatus status = Assert.Single(accounts.Status());
        Assert.Equal((1000u, new Use(2, 1)), (status.User, status.Switches));
        accounts.Apply(ServerConfiguration.Default);
        Assert.Equal(8, alice.Limits.Switches);
        Assert.False(engine.Core.Policy.MayOpenInterface("eth1", User(1001)));
    }

    private static string Refusal(ConfigurationSource source) =>
        Assert.Throws<ConfigurationException>(() => source.Read(new() { Host = "@x" })).Message;

    private static void AssertOneLine(string said)
    {
        Assert.Matches("^f:[12]: ", said);
        Assert.DoesNotContain(said, char.IsControl);
    }

    private string Write(string text)
    {
        string file = Path.Combine(_folder, "conf");
        File.WriteAllText(file, text);
        return file;
    }

    private static ServerConfiguration Parse(params string[] lines)
    {
        ConfigurationParser parser = new(new KnownNames(), s_defaults);
        for (int i = 0; i < lines.Length; i++)
            parser.Line($"f:{i + 1}", lines[i]);
        return parser.Finish();
    }

    private static Credentials User(uint number, params uint[] groups) => new(number, groups);

    private sealed class KnownNames : IUserNames
    {
        private static readonly Dictionary<string, uint> s_users = new() { ["alice"] = 1000, ["bob"] = 1001 };
        private static readonly Dictionary<string, uint> s_groups = new() { ["netadmin"] = 50, ["capture"] = 51 };

        public uint? FindUser(string name) => s_users.TryGetValue(name, out uint number) || uint.TryParse(name, out number) ? number : null;

        public uint? FindGroup(string name) => s_groups.TryGetValue(name, out uint number) || uint.TryParse(name, out number) ? number : null;

        public string NameOf(uint user) => s_users.FirstOrDefault(entry => entry.Value == user).Key ?? user.ToString();
    }
}
