namespace Netmap.Tests.Abi;

/// <summary>C programs that check headers and library from their own side; each prints what does not hold.</summary>
public sealed class CProgramTests
{
    [Theory]
    [InlineData("helpers.c")]
    [InlineData("frames.c")]
    [InlineData("opening.c")]
    [InlineData("context.c")]
    public void ProgramsFindWhatNetmapPromises(string source)
    {
        string program = CLibrary.Compile(source);
        try
        {
            (int exit, string output) = CLibrary.Run(program, "");
            Assert.True(exit == 0, output);
        }
        finally
        {
            File.Delete(program);
        }
    }

    [Fact]
    public void LinesAreWrittenAsOftenAsAsked()
    {
        string program = CLibrary.Compile("helpers.c");
        try
        {
            (int exit, string output) = CLibrary.Run("sh", "", "-c", $"exec {program} 2>&1");
            Assert.Equal(0, exit);
            Assert.Equal(4, Count(output, @"^\d{3}\.\d{6} lines \[\d+\] (always \d|without arguments)$"));
            Assert.InRange(Count(output, @"^\d{3}\.\d{6} lines \[\d+\] twice a second at most \d$"), 2, 3);
            Assert.DoesNotContain("never", output);
        }
        finally
        {
            File.Delete(program);
        }
    }

    /// <summary>Standards of C and C++ that programs are compiled with, all warnings on.</summary>
    [Theory]
    [InlineData("c", "gnu99", "helpers.c")]
    [InlineData("c", "gnu17", "helpers.c")]
    [InlineData("c", "gnu99", "opening.c")]
    [InlineData("c++", "c++11", "helpers.c")]
    [InlineData("c++", "gnu++20", "helpers.c")]
    [InlineData("c++", "gnu++20", "opening.c")]
    public void HeadersCompileWithoutAWarning(string language, string standard, string source)
    {
        string compiler = language == "c" ? "gcc" : "g++";
        Gcc.Require(compiler);
        (int exit, string words) = CLibrary.Run(compiler, "", "-x", language, $"-std={standard}", "-D_GNU_SOURCE", "-O2",
            "-Wall", "-Wextra", "-Werror", "-fsyntax-only", $"-I{Gcc.Include}", Path.Combine(Gcc.Programs, source));
        Assert.True(exit == 0, words);
    }

    private static int Count(string text, string pattern) =>
        text.Split('\n').Count(line => System.Text.RegularExpressions.Regex.IsMatch(line, pattern));
}
