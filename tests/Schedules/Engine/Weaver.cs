using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace Netmap.Tests.Schedules;

/// <summary>
/// Instruments a compiled assembly: each atomic operation, fence, lock, plain access to a field or through a pointer, sleep and thread of
/// the code under test goes through <see cref="Hooks"/>. The source stays as it is, and the assembly that ships has nothing of this.
/// </summary>
internal sealed partial class Weaver
{
    /// <summary>Types whose code is instrumented, by the beginning of their full names. The rest runs as it is, in one step.</summary>
    private static readonly string[] s_instrumented =
    [
        "Netmap.Rings.", "Netmap.Vale.", "Netmap.Adapters.Pipe.", "Netmap.Adapters.SoftwareAdapter", "Netmap.Adapters.NetmapAdapter",
        "Netmap.Control.AsyncWait", "Netmap.Control.AsyncPoller", "Netmap.Control.FileLook", "Netmap.Control.Bell", "Netmap.Control.Poller",
        "Netmap.Control.RingSync", "Netmap.Control.NetmapFile", "Netmap.Control.Registration", "Netmap.Client.SharedPage",
        "Netmap.Client.ClientSession", "Netmap.Client.RemotePoll", "Netmap.Client.RemoteLook", "Netmap.Client.MessageSocket",
        "Netmap.Server.Session", "Netmap.Server.Worker", "Netmap.Server.WakeUp", "Netmap.Server.EventLoop",
        "Netmap.NetmapRing", "Netmap.NetmapSlot", "Netmap.NetmapPort", "Netmap.TxRing", "Netmap.RxRing", "Netmap.RxFrame", "Netmap.LocalPortFile",
    ];

    /// <summary>Calls of these touch no shared memory, or none but what they are handed by value.</summary>
    private static readonly string[] s_pure =
    [
        "System.Math", "System.Object", "System.Span`1", "System.ReadOnlySpan`1", "System.TimeSpan", "System.Nullable`1", "System.ValueTuple",
        "System.Runtime.CompilerServices.", "System.Numerics.BitOperations", "System.Runtime.Intrinsics.", "Netmap.Interop.SysResult",
        "Netmap.Interop.SafeDescriptor", "System.Threading.CancellationToken", "System.Collections.Generic.List`1",
    ];

    private readonly ModuleDefinition _module;
    private readonly HashSet<FieldReference> _mutable = [];
    private readonly Dictionary<string, MethodReference> _hooks;
    private readonly Dictionary<string, int> _ordinals = [];

    private Weaver(ModuleDefinition module)
    {
        _module = module;
        _hooks = typeof(Hooks).GetMethods(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.DeclaredOnly)
            .ToDictionary(hook => hook.Name, hook => module.ImportReference(hook));
    }

    /// <summary>The instrumented copy of an assembly.</summary>
    public static MemoryStream Weave(string path)
    {
        DefaultAssemblyResolver resolver = new();
        resolver.AddSearchDirectory(Path.GetDirectoryName(path));
        resolver.AddSearchDirectory(AppContext.BaseDirectory);
        resolver.AddSearchDirectory(Path.GetDirectoryName(typeof(object).Assembly.Location));
        using ModuleDefinition module = ModuleDefinition.ReadModule(path, new ReaderParameters { AssemblyResolver = resolver });
        Weaver weaver = new(module);
        List<MethodDefinition> methods = [.. module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody)];
        methods.ForEach(weaver.FindMutable);
        foreach (MethodDefinition method in methods.Where(method => IsInstrumented(method.DeclaringType)))
            weaver.Weave(method);
        MemoryStream woven = new();
        module.Write(woven);
        woven.Position = 0;
        return woven;
    }

    private static bool IsInstrumented(TypeReference type)
    {
        while (type.DeclaringType is not null)
            type = type.DeclaringType;
        return Array.Exists(s_instrumented, type.FullName.StartsWith);
    }

    /// <summary>Fields that something other than a constructor of their own type writes; the others never change once they can be seen.</summary>
    private void FindMutable(MethodDefinition method)
    {
        foreach (Instruction at in method.Body.Instructions)
        {
            if (at.OpCode.Code is Code.Stfld or Code.Ldflda && at.Operand is FieldReference field && !IsConstructionOf(method, field))
                _mutable.Add(field.Resolve() ?? field);
        }
    }

    private static bool IsConstructionOf(MethodDefinition method, FieldReference field) =>
        (method.IsConstructor || method.ReturnType is RequiredModifierType { ModifierType.Name: "IsExternalInit" })
        && method.DeclaringType.FullName == field.DeclaringType.FullName;

    private void Weave(MethodDefinition method)
    {
        MethodBody body = method.Body;
        body.SimplifyMacros();
        ILProcessor il = body.GetILProcessor();
        bool construction = method.IsConstructor;
        foreach (Instruction at in body.Instructions.ToArray())
        {
            switch (at.OpCode.Code)
            {
                case Code.Call or Code.Callvirt or Code.Newobj:
                    WeaveCall(method, il, at, (MethodReference)at.Operand);
                    break;
                case Code.Ldfld when at.Operand is FieldReference field && MayLoad(body, at, field, out TypeReference type):
                    string read = TakeVolatile(at) ? nameof(Hooks.VolatileRead) : nameof(Hooks.Load);
                    at.OpCode = OpCodes.Ldflda;
                    Append(method, il, at, Hook(read, type), field.Name);
                    break;
                case Code.Stfld when !construction && at.Operand is FieldReference field && MayHook(field, out TypeReference type):
                    string write = TakeVolatile(at) ? nameof(Hooks.VolatileWrite) : nameof(Hooks.Store);
                    WeaveStore(method, il, at, field, type, write);
                    break;
                case Code.Ldind_U1 or Code.Ldind_U2 or Code.Ldind_U4 or Code.Ldind_I4 or Code.Ldind_I8 when !IsPrefixed(at):
                    WeaveIndirect(method, il, at);
                    break;
                case Code.Stind_I1 or Code.Stind_I2 or Code.Stind_I4 or Code.Stind_I8 when !IsPrefixed(at):
                    WeaveIndirect(method, il, at);
                    break;
                case Code.Stind_Ref or Code.Stobj or Code.Cpobj or Code.Cpblk or Code.Initblk when !IsPrefixed(at):
                case Code.Stelem_I1 or Code.Stelem_I2 or Code.Stelem_I4 or Code.Stelem_I8 or Code.Stelem_Ref or Code.Stelem_Any:
                case Code.Initobj when at.Previous?.OpCode.Code != Code.Ldloca:
                    Precede(il, at, _hooks[nameof(Hooks.Leave)]);
                    break;
            }
        }
        body.OptimizeMacros();
    }

    /// <summary>obj, value → address, value, site.</summary>
    private void WeaveStore(MethodDefinition method, ILProcessor il, Instruction at, FieldReference field, TypeReference type, string hook)
    {
        VariableDefinition value = new(type);
        method.Body.Variables.Add(value);
        (at.OpCode, at.Operand) = (OpCodes.Stloc, value);
        Instruction address = il.Create(OpCodes.Ldflda, field);
        Instruction load = il.Create(OpCodes.Ldloc, value);
        il.InsertAfter(at, address);
        il.InsertAfter(address, load);
        Append(method, il, load, Hook(hook, type), field.Name);
    }

    private void WeaveIndirect(MethodDefinition method, ILProcessor il, Instruction at)
    {
        (string hook, TypeReference type) = at.OpCode.Code switch
        {
            Code.Ldind_U1 => (nameof(Hooks.Load), _module.TypeSystem.Byte),
            Code.Ldind_U2 => (nameof(Hooks.Load), _module.TypeSystem.UInt16),
            Code.Ldind_U4 => (nameof(Hooks.Load), _module.TypeSystem.UInt32),
            Code.Ldind_I4 => (nameof(Hooks.Load), _module.TypeSystem.Int32),
            Code.Ldind_I8 => (nameof(Hooks.Load), _module.TypeSystem.Int64),
            Code.Stind_I1 => (nameof(Hooks.Store), _module.TypeSystem.Byte),
            Code.Stind_I2 => (nameof(Hooks.Store), _module.TypeSystem.UInt16),
            Code.Stind_I4 => (nameof(Hooks.Store), _module.TypeSystem.Int32),
            _ => (nameof(Hooks.Store), _module.TypeSystem.Int64),
        };
        (at.OpCode, at.Operand) = (OpCodes.Nop, null);
        Append(method, il, at, Hook(hook, type), "*");
    }

    /// <summary>A load whose object is known to be there by address: a class's field, or a struct's behind a pointer or reference.</summary>
    private bool MayLoad(MethodBody body, Instruction at, FieldReference field, out TypeReference type) =>
        MayHook(field, out type) && (!field.DeclaringType.IsValueType || IsAddress(body, at.Previous));

    private bool MayHook(FieldReference field, out TypeReference type)
    {
        type = field.FieldType is RequiredModifierType modified ? modified.ElementType : field.FieldType;
        if (type is PointerType or FunctionPointerType)
            type = _module.TypeSystem.IntPtr;
        FieldDefinition? definition = field.Resolve();
        // A struct of another assembly lies in shared memory: all its fields change.
        bool changes = definition is not null && (_mutable.Contains(definition) || definition.Module != _module);
        return changes && !type.IsByReference && !type.ContainsGenericParameter && !field.DeclaringType.ContainsGenericParameter
            && !IsRefStruct(definition!.DeclaringType) && !IsRefStruct(type.Resolve());
    }

    private static bool IsRefStruct(TypeDefinition? type) =>
        type is { IsValueType: true } && type.CustomAttributes.Any(attribute => attribute.AttributeType.Name == "IsByRefLikeAttribute");

    private static bool IsAddress(MethodBody body, Instruction? from) => from?.OpCode.Code switch
    {
        Code.Ldflda or Code.Ldsflda or Code.Ldelema or Code.Add or Code.Ldloca or Code.Ldarga => true,
        Code.Ldloc => IsAddressType(((VariableDefinition)from.Operand).VariableType),
        Code.Ldarg => from.Operand is ParameterDefinition parameter && (parameter == body.ThisParameter || IsAddressType(parameter.ParameterType)),
        Code.Ldfld or Code.Ldsfld => from.Operand is FieldReference field && IsAddressType(field.FieldType),
        // A hook that has loaded a pointer.
        Code.Call when from.Operand is GenericInstanceMethod { DeclaringType.Name: nameof(Hooks) } hook => hook.GenericArguments[0].Name == nameof(IntPtr),
        Code.Call or Code.Callvirt => from.Operand is MethodReference method && IsAddressType(method.ReturnType),
        _ => false,
    };

    private static bool IsAddressType(TypeReference type) =>
        (type is RequiredModifierType modified ? modified.ElementType : type) is PointerType or ByReferenceType;

    private static bool IsPrefixed(Instruction at) => at.Previous?.OpCode.OpCodeType == OpCodeType.Prefix;

    /// <summary>Takes a <c>volatile.</c> prefix away, and says whether there was one.</summary>
    private static bool TakeVolatile(Instruction at)
    {
        if (at.Previous?.OpCode.Code != Code.Volatile)
            return false;
        at.Previous.OpCode = OpCodes.Nop;
        return true;
    }
}
