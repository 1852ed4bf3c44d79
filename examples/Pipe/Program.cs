// Two tasks talk over a pipe, with no interface and no privileges: one sends numbers, the other adds them up and sends the
// sum back. Slots change hands; the engine copies no byte. Pipe [COUNT]
using System.Buffers.Binary;
using System.Diagnostics;
using Netmap;

int count = 10_000_000;
if (args.Length > 1 || (args.Length > 0 && (!int.TryParse(args[0], out count) || count < 0)))
{
    Console.Error.WriteLine("usage: Pipe [COUNT], for example: Pipe 1000000");
    return 2;
}
using NetmapPort asker = NetmapPort.Open("netmap:talk{1");
using NetmapPort adder = NetmapPort.Open("netmap:talk}1");
long started = Stopwatch.GetTimestamp();
Task adding = Task.Run(Add);
long sum = await Task.Run(Ask);
await adding;
double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
Console.WriteLine($"{count} numbers added up to {sum} in {seconds:F2} s: {count / seconds / 1e6:F1} million a second");
return sum == (long)count * (count - 1) / 2 ? 0 : 1;

long Ask()
{
    TxRing ring = asker.TxRings[0];
    Span<byte> message = stackalloc byte[60];
    for (int number = 0; number < count;)
    {
        for (; number < count && ring.Space > 0; number++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(message, number);
            ring.TrySend(message);
        }
        // Hands over what was written; sleeps only while the pipe is full.
        asker.Poll(PollEvents.Transmit, Timeout.InfiniteTimeSpan);
    }
    asker.TxSync();
    asker.Poll(PollEvents.Receive, Timeout.InfiniteTimeSpan);
    asker.RxRings[0].TryPeek(out RxFrame answer);
    return BinaryPrimitives.ReadInt64LittleEndian(answer.Data);
}

void Add()
{
    long sum = 0;
    for (int received = 0; received < count;)
    {
        adder.Poll(PollEvents.Receive, Timeout.InfiniteTimeSpan);
        foreach (RxFrame frame in adder.RxRings[0])
        {
            sum += BinaryPrimitives.ReadInt64LittleEndian(frame.Data);
            received++;
        }
    }
    Span<byte> message = stackalloc byte[60];
    BinaryPrimitives.WriteInt64LittleEndian(message, sum);
    adder.TxRings[0].TrySend(message);
    adder.TxSync();
}
