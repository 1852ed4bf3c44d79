using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Netmap.Tests.MultiProcess;

/// <summary>C programs of ours that know nothing of a server: compiled against <c>include/</c>, run with the shim in front of their C library.</summary>
internal static class ShimProgram
{
    /// <summary>Compiles a program of <c>programs/</c>; it is beside the tests then.</summary>
    public static string Compile(string source, params string[] options)
    {
        string folder = Here();
        string program = Path.Combine(AppContext.BaseDirectory, $"{Path.GetFileNameWithoutExtension(source)}-program");
        string[] arguments = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", $"-I{folder}/../../include", "-o", program,
            $"{folder}/programs/{source}", "-lpthread", .. options];
        using Process gcc = Process.Start(new ProcessStartInfo("gcc", arguments) { RedirectStandardError = true })!;
        string words = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        Assert.True(gcc.ExitCode == 0, words);
        return program;
    }

    /// <summary>Runs a program on a server, a minute at most.</summary>
    public static (int Exit, string Words) Run(string host, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["NETMAP_HOST"] = host;
        start.Environment["LD_PRELOAD"] = Path.Combine(AppContext.BaseDirectory, "netmap-preload.so");
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromSeconds(60)))
            process.Kill(entireProcessTree: true);
        process.WaitForExit();
        return (process.ExitCode, output.Result + errors.Result);
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
