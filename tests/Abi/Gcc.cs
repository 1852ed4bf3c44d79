using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Netmap.Tests.Abi;

/// <summary>The C compiler, with our include folder before the system's.</summary>
internal static class Gcc
{
    /// <summary>The project's own headers.</summary>
    public static string Include { get; } = Path.GetFullPath(Path.Combine(Here(), "../../include"));

    /// <summary>Headers of the preload shim: the server's protocol.</summary>
    public static string Preload { get; } = Path.GetFullPath(Path.Combine(Here(), "../../src/preload"));

    public static string Programs { get; } = Path.Combine(Here(), "programs");

    /// <summary>The specification as text.</summary>
    public static string Tables { get; } = Path.Combine(Here(), "tables");

    /// <summary>Skips the calling test, with the reason, where there is no gcc, or no <paramref name="compiler"/> of it.</summary>
    public static void Require(string compiler = "gcc") => Assert.SkipUnless(
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, compiler))),
        $"{compiler} was not found in PATH; install it (Debian: apt-get install {compiler} libc6-dev) to check the ABI");

    /// <summary>Compiles C; null when it passed, else gcc's words.</summary>
    public static string? Check(string source, params string[] flags)
    {
        ProcessStartInfo start = new("gcc", ["-x", "c", "-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", $"-I{Include}", $"-I{Preload}", .. flags, "-"])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
        };
        using Process gcc = Process.Start(start)!;
        gcc.StandardInput.Write(source);
        gcc.StandardInput.Close();
        string words = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        return gcc.ExitCode == 0 ? null : words;
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
