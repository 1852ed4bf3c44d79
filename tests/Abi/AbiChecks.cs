using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Netmap.Interop;

namespace Netmap.Tests.Abi;

/// <summary>Turns the C# mirrors of C declarations into assertions for gcc.</summary>
internal static class AbiChecks
{
    /// <summary>All types of the interop assembly that mirror something, or say that they do not.</summary>
    public static IEnumerable<Type> Types => typeof(AbiAttribute).Assembly.GetTypes()
        .Where(type => !type.IsNested && type.Namespace == "Netmap.Interop" && type.GetCustomAttribute<CompilerGeneratedAttribute>() is null);

    /// <summary>Types that must carry <see cref="AbiAttribute"/> or <see cref="NotAbiAttribute"/>.</summary>
    public static bool MirrorsSomething(Type type) => type.IsValueType || Constants(type).Any();

    /// <summary>A C program that compiles only if every size, offset and value is right.</summary>
    public static string Program(string header, IEnumerable<Type> types)
    {
        StringBuilder program = new();
        program.AppendLine("#include <stddef.h>").AppendLine("#include <sys/types.h>").AppendLine("#include <sys/ioctl.h>").AppendLine("#include <linux/version.h>");
        if (header is "linux/if.h" or "linux/sockios.h")
            program.AppendLine("#include <sys/socket.h>");
        program.AppendLine($"#include <{header}>");
        foreach (Type type in types)
            Append(program, type);
        return program.ToString();
    }

    public static IEnumerable<FieldInfo> Constants(Type type) => type
        .GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly)
        .Where(field => field.IsLiteral && !field.IsPrivate && field.GetCustomAttribute<NotAbiFieldAttribute>() is null);

    private static void Append(StringBuilder program, Type type)
    {
        if (!type.IsEnum && type.IsValueType)
            AppendStruct(program, type);
        else
            foreach (FieldInfo constant in Constants(type))
                AppendConstant(program, constant);
    }

    private static void AppendStruct(StringBuilder program, Type type)
    {
        AbiAttribute abi = type.GetCustomAttribute<AbiAttribute>()!;
        if (!abi.Prefix)
            Assertion(program, $"sizeof({abi.Name}) == {SizeOf(type)}", $"{type.Name} size");
        foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
        {
            string name = field.GetCustomAttribute<AbiAttribute>()?.Name ?? field.Name;
            Assertion(program, $"offsetof({abi.Name}, {name}) == {Marshal.OffsetOf(type, field.Name)}", $"{type.Name}.{field.Name} offset");
            Assertion(program, $"sizeof((({abi.Name} *)0)->{name}) == {SizeOf(field.FieldType)}", $"{type.Name}.{field.Name} size");
        }
    }

    private static void AppendConstant(StringBuilder program, FieldInfo constant)
    {
        string? since = constant.GetCustomAttribute<AbiAttribute>()?.Since;
        if (since is not null)
            program.AppendLine($"#if LINUX_VERSION_CODE >= KERNEL_VERSION({since.Replace('.', ',')},0)");
        object value = constant.GetRawConstantValue()!;
        string literal = Convert.ToString(value, CultureInfo.InvariantCulture)! + (value is ulong or uint ? "ul" : "l");
        Assertion(program, $"(long)({constant.Name}) == (long)({literal})", constant.Name);
        if (since is not null)
            program.AppendLine("#endif");
    }

    private static void Assertion(StringBuilder program, string condition, string name) =>
        program.AppendLine($"_Static_assert({condition}, \"{name}\");");

    private static int SizeOf(Type type) => type.IsPointer
        ? IntPtr.Size
        : (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
}
