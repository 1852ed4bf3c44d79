using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Netmap.Tests.Unit.Server;

/// <summary>Keeps what a server logs.</summary>
internal sealed class LogLines : ILoggerFactory, ILogger
{
    public ConcurrentQueue<string> All { get; } = new();

    /// <summary>Exceptions that came with lines, with their stacks.</summary>
    public ConcurrentQueue<string> Problems { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        All.Enqueue(formatter(state, exception));
        if (exception is not null)
            Problems.Enqueue(exception.ToString());
    }

    public void Dispose()
    {
    }
}
