using System.Numerics;
using System.Runtime.CompilerServices;

namespace Netmap.Adapters.Native;

/// <summary>
/// Buffers the kernel has to receive into, in the order it got them; that is also the order it uses them in, but after a
/// frame it had to drop. Kept outside shared memory: what a program writes into slots that are not its own changes nothing.
/// </summary>
/// <param name="most">Buffers there can be.</param>
internal sealed class PostedBuffers(int most)
{
    private readonly uint[] _buffers = new uint[BitOperations.RoundUpToPowerOf2((uint)most)];
    private uint _first;
    private uint _end;

    public uint Count => _end - _first;

    private uint Mask => (uint)_buffers.Length - 1;

    /// <summary>The buffer <paramref name="ahead"/> of the oldest.</summary>
    public uint this[uint ahead] => _buffers[(_first + ahead) & Mask];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(uint buffer) => _buffers[_end++ & Mask] = buffer;

    /// <summary>The kernel used this one; false if it never got it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Remove(uint buffer)
    {
        if (_first == _end)
            return false;
        if (_buffers[_first & Mask] == buffer)
        {
            _first++;
            return true;
        }
        return RemoveLater(buffer);
    }

    public void Clear() => _first = _end;

    /// <summary>It skipped some: the oldest takes the place of the one it used.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool RemoveLater(uint buffer)
    {
        for (uint i = _first + 1; i != _end; i++)
        {
            if (_buffers[i & Mask] != buffer)
                continue;
            _buffers[i & Mask] = _buffers[_first++ & Mask];
            return true;
        }
        return false;
    }
}
