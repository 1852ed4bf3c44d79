using System.Buffers.Binary;

namespace Netmap.Server;

/// <summary>What a program's file says about whether a library can be preloaded into it.</summary>
internal static class ProgramFile
{
    private const int HeaderSize = 64;
    private const int SegmentSize = 56;
    private const uint Interpreter = 3;
    private const int MostSegments = 64;
    private const UnixFileMode Privileged = UnixFileMode.SetUser | UnixFileMode.SetGroup;

    /// <summary>Why the shim will not be in this program; null when it will, or when nothing can be said.</summary>
    /// <param name="program">A path, or a name to be found in PATH.</param>
    public static string? Obstacle(string program)
    {
        try
        {
            if (Find(program) is not { } path)
                return null;
            if (OperatingSystem.IsLinux() && (File.GetUnixFileMode(path) & Privileged) != 0 && !Environment.IsPrivilegedProcess)
                return "it runs with rights of its own (set-user-ID or set-group-ID), and the system preloads nothing into such programs";
            return IsStatic(path) ? "it is statically linked: there is no C library that the shim could stand in front of" : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? Find(string program) => program.Contains('/')
        ? program
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>A 64-bit ELF file that names no interpreter, the dynamic linker.</summary>
    private static bool IsStatic(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> header = stackalloc byte[HeaderSize];
        if (file.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) < HeaderSize || !header.StartsWith("\u007fELF\u0002\u0001"u8))
            return false;
        int count = BinaryPrimitives.ReadUInt16LittleEndian(header[56..]);
        if (BinaryPrimitives.ReadUInt16LittleEndian(header[54..]) != SegmentSize || count > MostSegments)
            return false;
        byte[] segments = new byte[count * SegmentSize];
        file.Position = (long)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(header[32..]), long.MaxValue);
        if (file.ReadAtLeast(segments, segments.Length, throwOnEndOfStream: false) < segments.Length)
            return false;
        return !Enumerable.Range(0, count).Any(i => BinaryPrimitives.ReadUInt32LittleEndian(segments.AsSpan(i * SegmentSize)) == Interpreter);
    }
}
