using System.ComponentModel;
using System.Diagnostics;

namespace Netmap.Cli.Bench.Ipc;

/// <summary>The C program of the benchmark, compiled once against our headers where gcc is.</summary>
internal static class ShimProgram
{
    private static readonly Lazy<string> s_path = new(Compile);

    /// <summary>Where the program is.</summary>
    /// <exception cref="InvalidOperationException">There is no gcc, or it refuses.</exception>
    public static string Path => s_path.Value;

    public static string Preload => In("netmap-preload.so");

    private static string In(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, name);

    private static string Compile()
    {
        if (!File.Exists(Preload))
            throw new InvalidOperationException("there is no shim: it is built where gcc is; install gcc and libc6-dev and build again");
        string folder = Directory.CreateTempSubdirectory("netmap-bench").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        string program = System.IO.Path.Combine(folder, "peer");
        ProcessStartInfo start = new("gcc", ["-std=gnu11", "-O2", $"-I{In("include")}", "-o", program, In("programs/peer.c"), "-lpthread"])
        {
            RedirectStandardError = true,
        };
        try
        {
            using Process gcc = Process.Start(start)!;
            string words = gcc.StandardError.ReadToEnd();
            gcc.WaitForExit();
            return gcc.ExitCode == 0 ? program : throw new InvalidOperationException($"gcc does not compile its C program: {words.Split('\n')[0]}");
        }
        catch (Win32Exception)
        {
            throw new InvalidOperationException("its C program cannot be compiled, there is no gcc; install gcc and libc6-dev");
        }
    }
}
