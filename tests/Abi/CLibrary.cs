using System.Diagnostics;

namespace Netmap.Tests.Abi;

/// <summary>libnetmap.so, built once by the command a user would give, and C programs linked with it.</summary>
internal static class CLibrary
{
    private static readonly Lazy<string> s_prefix = new(Build);

    /// <summary>Where lib/ and include/ are.</summary>
    public static string Prefix
    {
        get
        {
            Gcc.Require();
            return s_prefix.Value;
        }
    }

    /// <summary>Compiles one of our programs with what pkg-config would say, into a temporary file that the caller deletes.</summary>
    public static string Compile(string program)
    {
        string made = Path.Combine(Path.GetTempPath(), $"netmap-{Guid.NewGuid():N}");
        (int exit, string words) = Run("gcc", "", "-std=gnu11", "-Wall", "-Wextra", "-Werror", $"-I{Prefix}/include", "-o", made,
            Path.Combine(Gcc.Programs, program), "-D_GNU_SOURCE", $"-L{Prefix}/lib", $"-Wl,-rpath,{Prefix}/lib", "-lnetmap");
        Assert.True(exit == 0, words);
        return made;
    }

    /// <summary>Runs a program to its end.</summary>
    public static (int Exit, string Output) Run(string program, string input, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == 0 ? output : output + errors.Result);
    }

    private static string Build()
    {
        (int exit, string output) = Run(Path.GetFullPath(Path.Combine(Gcc.Include, "../netmap")), "", "c-library");
        Assert.True(exit == 0, output);
        return output.Trim();
    }
}
