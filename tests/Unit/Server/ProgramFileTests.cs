using System.Buffers.Binary;
using Netmap.Server;

namespace Netmap.Tests.Unit.Server;

/// <summary>Programs that a preloaded library cannot be put into.</summary>
public sealed class ProgramFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData("sh")]
    [InlineData("/bin/sh")]
    [InlineData("no-such-program")]
    [InlineData("/no/such/program")]
    public void OrdinaryProgramsAreNoObstacle(string program) => Assert.Null(ProgramFile.Obstacle(program));

    [Theory]
    [InlineData(true, 1, 3)]
    [InlineData(false, 1, 2)]
    [InlineData(false)]
    public void AStaticProgramIsOneWithoutAnInterpreter(bool isDynamic, params int[] segments)
    {
        File.WriteAllBytes(_path, Elf(segments));
        Assert.Equal(isDynamic, ProgramFile.Obstacle(_path) is null);
    }

    [Fact]
    public void FilesThatAreNoProgramsDoNoHarm()
    {
        byte[] elf = Elf(1, 2);
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            byte[] bytes = elf[..random.Next(elf.Length)];
            if (bytes.Length > 0)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(_path, bytes);
            Assert.True(ProgramFile.Obstacle(_path) is null or ['i', 't', ' ', 'i', 's', ' ', 's', ..]);
        }
        File.WriteAllText(_path, "#!/bin/sh\n");
        Assert.Null(ProgramFile.Obstacle(_path));
        Assert.Null(ProgramFile.Obstacle(Path.GetDirectoryName(_path)!));
    }

    private static byte[] Elf(params int[] segments)
    {
        byte[] file = new byte[64 + (56 * segments.Length)];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(file);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(32), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(54), 56);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(56), (ushort)segments.Length);
        for (int i = 0; i < segments.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(64 + (56 * i)), segments[i]);
        return file;
    }
}
