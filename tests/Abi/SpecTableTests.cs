using System.Text;
using System.Text.RegularExpressions;

namespace Netmap.Tests.Abi;

/// <summary>
/// The headers against the layouts and values of the specification (1.1 to 1.3), which are held here once more, so that header and
/// C# cannot be wrong in the same way.
/// </summary>
public sealed partial class SpecTableTests
{
    private const string Everything = """
        #define NETMAP_WITH_LIBS
        #include <stddef.h>
        #include <net/netmap_user.h>
        #include <net/netmap_virt.h>
        #include <libnetmap.h>
        #define UP(n, to) (((n) + (to) - 1) / (to) * (to))

        """;

    public static TheoryData<string> Structs => [.. SpecTable.Layouts.Keys];

    /// <summary>
    /// Offset and size of each field, and nothing between them: each field begins where the one before ends, but for what its own
    /// alignment asks. So a field that the table lacks is found as well.
    /// </summary>
    [Theory]
    [MemberData(nameof(Structs))]
    public void OurHeadersFollowTheTable(string name)
    {
        Gcc.Require();
        SpecTable.Layout layout = SpecTable.Layouts[name];
        StringBuilder program = new(Everything);
        void Check(string condition, string what) => program.AppendLine($"_Static_assert({condition}, \"{what}\");");
        Check($"sizeof(struct {name}) == {layout.Size} && _Alignof(struct {name}) == {layout.Alignment}", "size and alignment");
        int end = 0;
        foreach (SpecTable.Field field in layout.Fields)
        {
            string member = $"((struct {name} *)0)->{field.Name}";
            Check($"offsetof(struct {name}, {field.Name}) == {field.Offset}", $"{field.Name} offset");
            Check($"UP({end}, __alignof__({member})) == {field.Offset}", $"before {field.Name} is nothing");
            if (field.Size > 0)
                Check($"sizeof({member}) == {field.Size}", $"{field.Name} size");
            end = field.Offset + field.Size;
        }
        Check($"UP({end}, {layout.Alignment}) == {layout.Size}", "nothing behind the last field");
        Assert.Null(Gcc.Check(program.ToString()));
    }

    [Fact]
    public void TheTableHasEveryStruct() => Assert.Equal(
        Headers().SelectMany(text => StructPattern().Matches(text)).Select(match => match.Groups[1].Value).Order(),
        SpecTable.Layouts.Keys.Order());

    [Fact]
    public void ConstantsAreThoseOfTheTable()
    {
        Gcc.Require();
        StringBuilder program = new(Everything);
        foreach ((string name, string value) in SpecTable.Constants)
        {
            bool isNumber = char.IsAsciiDigit(value[0]);
            program.AppendLine(isNumber
                ? $"_Static_assert(({name}) == {value}, \"{name}\");"
                : $"_Static_assert(__builtin_strcmp({name}, \"{value}\") == 0, \"{name}\");");
        }
        Assert.Null(Gcc.Check(program.ToString()));
    }

    [Fact]
    public void TheTableHasEveryConstant() => Assert.Equal(
        Headers().SelectMany(text => ConstantPattern().Matches(text)).Select(match => match.Groups[1].Value + match.Groups[2].Value).Order(),
        SpecTable.Constants.Keys.Order());

    [Theory]
    [InlineData("sender.c")]
    [InlineData("receiver.c")]
    [InlineData("control.c")]
    public void CProgramsCompileAgainstOurHeaders(string program)
    {
        Gcc.Require();
        string source = File.ReadAllText(Path.Combine(Gcc.Programs, program));
        Assert.Null(Gcc.Check(source, "-std=gnu99", "-Wall", "-Wextra", "-Werror"));
        Assert.Null(Gcc.Check(source, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2"));
    }

    private static IEnumerable<string> Headers() =>
        Directory.EnumerateFiles(Gcc.Include, "*.h", SearchOption.AllDirectories).Select(File.ReadAllText);

    [GeneratedRegex(@"^struct (\w+) \{", RegexOptions.Multiline)]
    private static partial Regex StructPattern();

    /// <summary>A macro without arguments that has a value, or an enumerator.</summary>
    [GeneratedRegex(@"^#define ([A-Z]\w*)[ \t]+\S|^\t([A-Z][A-Z0-9_]+)(?: = \w+)?,", RegexOptions.Multiline)]
    private static partial Regex ConstantPattern();
}
