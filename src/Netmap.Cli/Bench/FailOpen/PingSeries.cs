using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Netmap.Cli.Demo;
using Netmap.Links;

namespace Netmap.Cli.Bench.FailOpen;

/// <summary>A host's pings to one address, one every millisecond from construction on, with the time each was sent and answered.</summary>
internal sealed class PingSeries : IDisposable
{
    /// <summary>Their numbers have 16 bits: a minute.</summary>
    private const int Most = 1 << 16;
    private const int MillisecondInMicroseconds = 1000;

    /// <summary>Answers in a row after which the other host is back, and the time they take.</summary>
    private const int Enough = 200;
    private const int OnTheirWay = 10;
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(400);

    /// <summary>How long the last ones are waited for.</summary>
    private static readonly TimeSpan s_last = TimeSpan.FromMilliseconds(100);

    private readonly long[] _sent = new long[Most];
    private readonly long[] _answered = new long[Most];
    private readonly Socket _socket;
    private readonly EndPoint _target;
    private readonly Thread _thread;
    private int _count;
    private bool _stop;

    public PingSeries(NetworkNamespace from, string address)
    {
        _target = new IPEndPoint(IPAddress.Parse(address), 0);
        _socket = from.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Icmp) { Blocking = false });
        _thread = new Thread(Run) { IsBackground = true, Name = "pings" };
        _thread.Start();
    }

    /// <summary>Whether a ping sent since a moment (of <see cref="Stopwatch"/>) was answered.</summary>
    public bool AnyAnsweredSince(long moment)
    {
        bool any = false;
        for (int i = Volatile.Read(ref _count) - 1; i >= 0 && _sent[i] >= moment && !any; i--)
            any = IsAnswered(i);
        return any;
    }

    /// <summary>
    /// The time from a moment (of <see cref="Stopwatch"/>) to the first answer after the last ping lost. Waits for enough
    /// answers in a row, and ends the series.
    /// </summary>
    /// <returns>Null when the last ping was lost, all <paramref name="patience"/> long.</returns>
    public TimeSpan? OutageSince(long moment, TimeSpan patience)
    {
        do
            Thread.Sleep(s_look);
        while (!IsBack() && Stopwatch.GetElapsedTime(moment) < patience);
        return End(moment);
    }

    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        _thread.Join();
        _socket.Dispose();
    }

    private TimeSpan? End(long moment)
    {
        Dispose();
        int back = _count;
        while (back > 0 && IsAnswered(back - 1) && _sent[back - 1] >= moment)
            back--;
        return back == _count ? null : Stopwatch.GetElapsedTime(moment, _answered[back]);
    }

    /// <summary>All of the last pings were answered, but those on their way.</summary>
    private bool IsBack()
    {
        int end = Volatile.Read(ref _count) - OnTheirWay;
        return end >= Enough && Enumerable.Range(end - Enough, Enough).All(IsAnswered);
    }

    private bool IsAnswered(int ping) => Volatile.Read(ref _answered[ping]) != 0;

    private void Run()
    {
        byte[] packet = new byte[KernelPing.ReplyBytes];
        long next = Stopwatch.GetTimestamp();
        while (!Volatile.Read(ref _stop) && _count < Most)
        {
            if (Stopwatch.GetTimestamp() >= next)
            {
                Send(packet.AsSpan(0, KernelPing.RequestBytes));
                next = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 1000);
            }
            Receive(packet);
        }
        for (long end = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(end) < s_last;)
            Receive(packet);
    }

    private void Send(Span<byte> request)
    {
        KernelPing.Write(request, (ushort)_count);
        _sent[_count] = Stopwatch.GetTimestamp();
        try
        {
            _socket.SendTo(request, _target);
        }
        catch (SocketException)
        {
            // No room on the way: a ping lost like any other.
        }
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>Waits a millisecond at most.</summary>
    private void Receive(byte[] packet)
    {
        if (!_socket.Poll(MillisecondInMicroseconds, SelectMode.SelectRead))
            return;
        int length = _socket.Receive(packet);
        if (KernelPing.TryRead(packet.AsSpan(0, length), out ushort sequence))
            Volatile.Write(ref _answered[sequence], Stopwatch.GetTimestamp());
    }
}
