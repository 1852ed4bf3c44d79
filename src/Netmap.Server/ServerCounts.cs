namespace Netmap.Server;

/// <summary>What a server has done so far. Any thread.</summary>
internal sealed class ServerCounts
{
    private long _answered;
    private long _malformed;

    /// <summary>Requests answered.</summary>
    public long Answered => Volatile.Read(ref _answered);

    /// <summary>Messages that made no sense.</summary>
    public long Malformed => Volatile.Read(ref _malformed);

    public void AddAnswered() => Interlocked.Increment(ref _answered);

    public void AddMalformed() => Interlocked.Increment(ref _malformed);
}
