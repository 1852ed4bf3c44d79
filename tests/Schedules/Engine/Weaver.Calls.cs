using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Netmap.Tests.Schedules;

/// <content>Calls: which go to a hook, and which are left as they are with the stores before them flushed.</content>
internal sealed partial class Weaver
{
    private void WeaveCall(MethodDefinition method, ILProcessor il, Instruction at, MethodReference callee)
    {
        TypeReference? element = callee.Parameters.FirstOrDefault()?.ParameterType is ByReferenceType first ? first.ElementType : null;
        if (element is GenericParameter && callee is GenericInstanceMethod generic)
            element = generic.GenericArguments[0];
        if (element is PointerType)
            element = _module.TypeSystem.IntPtr;
        bool isNew = at.OpCode.Code == Code.Newobj;
        switch (callee.DeclaringType.FullName, callee.Name)
        {
            case ("System.Threading.Volatile", "Read"):
                Replace(method, il, at, Hook(nameof(Hooks.VolatileRead), element!));
                break;
            case ("System.Threading.Volatile", "Write"):
                Replace(method, il, at, Hook(nameof(Hooks.VolatileWrite), element!));
                break;
            case ("System.Threading.Interlocked", "Read"):
                Replace(method, il, at, Hook(nameof(Hooks.VolatileRead), element!));
                break;
            case ("System.Threading.Interlocked", "MemoryBarrier"):
                Replace(method, il, at, _hooks[nameof(Hooks.MemoryBarrier)]);
                break;
            case ("System.Threading.Interlocked", _):
                Replace(method, il, at, Hook(callee.Name, element!));
                break;
            case ("System.Threading.Monitor", "Enter") when callee.Parameters.Count == 2:
                Replace(method, il, at, _hooks[nameof(Hooks.MonitorEnter)]);
                break;
            case ("System.Threading.Lock", "EnterScope"):
                Replace(method, il, at, _hooks[nameof(Hooks.EnterScope)]);
                break;
            case ("System.Threading.Thread", "Yield"):
                Replace(method, il, at, _hooks[nameof(Hooks.ThreadYield)]);
                break;
            case ("System.Threading.Thread", "SpinWait"):
                Replace(method, il, at, _hooks[nameof(Hooks.ThreadSpinWait)]);
                break;
            case ("System.Threading.SpinWait", "SpinOnce") when callee.Parameters.Count == 0:
                Replace(method, il, at, _hooks[nameof(Hooks.SpinOnce)]);
                break;
            case ("System.Threading.Thread", ".ctor") when isNew:
                Replace(method, il, at, _hooks[nameof(Hooks.NewThread)]);
                break;
            case ("System.Threading.Thread", "Join") when callee.Parameters.Count == 0:
                Replace(method, il, at, _hooks[nameof(Hooks.Join)]);
                break;
            case ("System.Diagnostics.Stopwatch", "GetTimestamp"):
                Replace(method, il, at, _hooks[nameof(Hooks.Timestamp)]);
                break;
            case ("Netmap.Interop.Poll", "ppoll"):
                WeavePoll(method, il, at, callee);
                break;
            case ("System.Runtime.Intrinsics.Vector256", "Load") or ("System.Runtime.Intrinsics.Vector128", "Load"):
            case ("System.Runtime.Intrinsics.Vector256", "Store") or ("System.Runtime.Intrinsics.Vector128", "Store"):
                Replace(method, il, at, _hooks[callee.DeclaringType.Name + callee.Name]);
                break;
            default:
                if (!IsPrefixed(at) && !IsInstrumented(callee.DeclaringType) && !Array.Exists(s_pure, callee.DeclaringType.FullName.StartsWith))
                    Precede(il, at, _hooks[nameof(Hooks.Leave)]);
                break;
        }
    }

    /// <summary>ppoll(descriptors, count, timeout) sleeps in the scheduler first; the call itself then returns at once.</summary>
    private void WeavePoll(MethodDefinition method, ILProcessor il, Instruction at, MethodReference callee)
    {
        VariableDefinition[] arguments = [.. callee.Parameters.Select(parameter => new VariableDefinition(parameter.ParameterType))];
        foreach (VariableDefinition argument in arguments)
            method.Body.Variables.Add(argument);
        (at.OpCode, at.Operand) = (OpCodes.Stloc, arguments[2]);
        Instruction last = at;
        void Add(Instruction next)
        {
            il.InsertAfter(last, next);
            last = next;
        }

        Add(il.Create(OpCodes.Stloc, arguments[1]));
        Add(il.Create(OpCodes.Stloc, arguments[0]));
        foreach (VariableDefinition argument in arguments)
            Add(il.Create(OpCodes.Ldloc, argument));
        Add(il.Create(OpCodes.Ldc_I4, SiteOf(method, "ppoll")));
        Add(il.Create(OpCodes.Call, _hooks[nameof(Hooks.BeforePoll)]));
        foreach (VariableDefinition argument in arguments)
            Add(il.Create(OpCodes.Ldloc, argument));
        Add(il.Create(OpCodes.Call, callee));
    }

    private void Replace(MethodDefinition method, ILProcessor il, Instruction at, MethodReference hook)
    {
        (at.OpCode, at.Operand) = (OpCodes.Ldc_I4, SiteOf(method, hook.Name));
        il.InsertAfter(at, il.Create(OpCodes.Call, hook));
    }

    private void Append(MethodDefinition method, ILProcessor il, Instruction at, MethodReference hook, string what)
    {
        Instruction site = il.Create(OpCodes.Ldc_I4, SiteOf(method, $"{hook.Name}({what})"));
        il.InsertAfter(at, site);
        il.InsertAfter(site, il.Create(OpCodes.Call, hook));
    }

    /// <summary>A call before an instruction; what jumps to that one makes it, too.</summary>
    private static void Precede(ILProcessor il, Instruction at, MethodReference hook)
    {
        Instruction moved = il.Create(OpCodes.Nop);
        (moved.OpCode, moved.Operand) = (at.OpCode, at.Operand);
        (at.OpCode, at.Operand) = (OpCodes.Call, hook);
        il.InsertAfter(at, moved);
    }

    private MethodReference Hook(string name, TypeReference type)
    {
        GenericInstanceMethod hook = new(_hooks[name]);
        hook.GenericArguments.Add(type);
        return hook;
    }

    /// <summary>A place in the code: type, method, what is done there, and which one of these it is in the method.</summary>
    private int SiteOf(MethodDefinition method, string what)
    {
        string key = $"{method.DeclaringType.Name}.{method.Name}:{what}";
        int ordinal = _ordinals.GetValueOrDefault(key);
        _ordinals[key] = ordinal + 1;
        return Sites.Add($"{key}#{ordinal}");
    }
}
