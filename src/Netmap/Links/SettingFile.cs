using System.Text;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>Writes a kernel setting in procfs or sysfs: one write call, as the kernel wants it.</summary>
internal static unsafe class SettingFile
{
    /// <exception cref="NetmapException">ENOENT no such setting, EACCES, EPERM, EROFS in some containers.</exception>
    public static void Write(string path, string value, string operation, string interfaceName)
    {
        SysResult opened = Fcntl.open(path, Fcntl.O_RDWR | Fcntl.O_CLOEXEC);
        SysResult result = opened;
        if (!opened.IsError)
        {
            using SafeDescriptor file = new(opened.Int32);
            byte[] bytes = Encoding.ASCII.GetBytes(value);
            fixed (byte* data = bytes)
                result = Unistd.write(file.Fd, data, (nuint)bytes.Length);
        }
        if (result.IsError)
            throw new NetmapException(result.Errno, operation, interfaceName, $"{path} cannot be written; {Advice(result.Errno)}");
    }

    private static string Advice(Errno errno) => errno switch
    {
        Errno.ENOENT => "this kernel has no such setting",
        Errno.EPERM or Errno.EACCES => "it needs the machine's root",
        Errno.EROFS => "it is read-only in this container",
        Errno.EOVERFLOW => "the value is larger than the machine has processors",
        _ => "the kernel refused the value",
    };
}
