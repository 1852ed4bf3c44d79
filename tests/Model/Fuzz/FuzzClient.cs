using System.Runtime.InteropServices;
using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Tests.Model.Fuzz;

/// <summary>
/// A client that says mostly valid things, in an order that is mostly valid: it opens ports, maps their memory, sends, receives and
/// scribbles there, syncs through its pages, and lies now and then in each of these.
/// </summary>
internal sealed unsafe class FuzzClient : IDisposable
{
    private readonly Random _random;
    private readonly FuzzMessages _messages;
    private readonly FuzzDescriptors _descriptors;
    private readonly MessageSocket _connection;
    private readonly List<FuzzSession> _sessions = [];
    private nmreq_register _granted;
    private PortRings? _rings;

    public FuzzClient(string host, int seed, FuzzDescriptors descriptors, ulong control, int spared)
    {
        _random = new Random(seed);
        _messages = new FuzzMessages(_random, control, spared);
        _descriptors = descriptors;
        _connection = MessageSocket.Connect(host);
    }

    /// <summary>Messages and syncs it has asked for.</summary>
    public int Asked { get; private set; }

    public void Run()
    {
        Attach();
        if (_sessions.Count > 0 && !_messages.Now(4))
            Ask(_messages.Register());
        for (int i = _random.Next(5, 150); i > 0 && _sessions.Count > 0; i--)
            Step();
    }

    public void Dispose()
    {
        _sessions.ForEach(session => session.Dispose());
        _connection.Dispose();
    }

    private FuzzSession Any => _sessions[_random.Next(_sessions.Count)];

    private void Step()
    {
        switch (_random.Next(100))
        {
            case < 25:
                Ask(_messages.Next());
                break;
            case < 35:
                Map();
                break;
            case < 65:
                if (_rings is { } rings)
                    Scribble(rings);
                Any.Post(_random);
                Asked++;
                break;
            case < 90:
                Any.Post(_random);
                Asked++;
                break;
            case < 95:
                Attach();
                break;
            case < 97:
                FuzzSession ended = Any;
                _sessions.Remove(ended);
                ended.Dispose();
                break;
            case 97:
                Any.Scribble(_random);
                break;
            default:
                if (_messages.Now(10))
                    _connection.Send(_messages.Next(), _descriptors.Some(_random, _random.Next(3)), SysSocket.MSG_DONTWAIT);
                break;
        }
    }

    private void Attach()
    {
        if (FuzzSession.TryAttach(_connection, _messages.Now(40) ? _descriptors.Other(_random) : -1) is { } session)
            _sessions.Add(session);
    }

    private void Ask(byte[] message)
    {
        FuzzSession session = Any;
        Asked++;
        Message? answer = session.Ask(message, _descriptors.Some(_random, _messages.Descriptors), _messages.Now(5) ? 0 : 100);
        if (session.IsOver)
        {
            _sessions.Remove(session);
            session.Dispose();
        }
        // What a register has granted.
        int at = sizeof(nms_ioctl) + sizeof(nmreq_header);
        if (answer is { Header: { type: NmsH.NMS_IOCTL, result: 0 } } && answer.Body.Length >= at + sizeof(nmreq_register))
        {
            nmreq_header header = MemoryMarshal.Read<nmreq_header>(answer.Body[sizeof(nms_ioctl)..]);
            if (header.nr_reqtype == NetmapReq.NETMAP_REQ_REGISTER)
                _granted = MemoryMarshal.Read<nmreq_register>(answer.Body[at..]);
        }
    }

    private void Map()
    {
        if (_granted.nr_memsize == 0 || _rings is not null)
            return;
        FuzzSession session = Any;
        Message map = new Message(64).Begin(NmsH.NMS_MAP).Append(new nms_map { length = _granted.nr_memsize });
        Message? answer = session.Ask(map.Bytes.ToArray(), [], 100);
        if (answer is not { Header: { type: NmsH.NMS_MAP, result: 0 } } || session.TakeDescriptor() is not { } memory)
            return;
        using (memory)
        {
            try
            {
                _rings = new RemoteRegion(memory, answer.TryRead(out nms_map place) ? (long)place.offset : 0, (long)_granted.nr_memsize).Rings(_granted);
            }
            catch (NetmapException)
            {
                // Somebody else has scribbled there already.
            }
        }
    }

    private void Scribble(PortRings rings)
    {
        foreach (TxRing ring in rings.Tx)
            Scribble(ring, _messages.Now(4));
        foreach (RxRing ring in rings.Rx)
            Scribble(ring, _messages.Now(4));
    }

    private void Scribble(NetmapRing ring, bool badly)
    {
        for (int i = _random.Next(40); i > 0; i--)
        {
            ref NetmapSlot slot = ref ring[_random.Next(ring.SlotCount)];
            slot.Length = (ushort)(badly ? _random.Next() : _random.Next(14, 200));
            slot.Flags = (SlotFlags)(badly ? _random.Next(0x10000) : _messages.One(0, 0, 0, 1, 2, 4, 0x20, 0x40));
            if (badly)
                slot.BufferIndex = _messages.One(slot.BufferIndex, 0u, uint.MaxValue, (uint)_random.Next(9000));
            if (badly && _messages.Now(3))
                slot.Pointer = (ulong)_random.NextInt64();
        }
        int move = _messages.Number(ring.SlotCount) is var some && badly ? (int)some : _random.Next(ring.SlotCount);
        ring.Head = _messages.Now(4) ? move : ring.Tail;
        ring.Cur = _messages.Now(6) ? move : ring.Head;
    }
}
