using Microsoft.Extensions.Logging;

namespace Netmap.Server;

/// <summary>What the server tells its log.</summary>
internal sealed partial class ServerLog(ILogger logger)
{
    [LoggerMessage(LogLevel.Information, "serving at {Host} with {Workers} workers")]
    public partial void Serving(string host, int workers);

    [LoggerMessage(LogLevel.Information, "stopping; {Files} files are open")]
    public partial void Stopping(int files);

    [LoggerMessage(LogLevel.Debug, "file opened by process {Process} of user {User}")]
    public partial void Opened(int process, uint user);

    [LoggerMessage(LogLevel.Debug, "file of process {Process} closed")]
    public partial void Closed(int process);

    [LoggerMessage(LogLevel.Information, "process {Process} of user {User} bound {Port}: {Rings} rings, {Memory} bytes")]
    public partial void Bound(int process, uint user, string port, int rings, long memory);

    [LoggerMessage(LogLevel.Information, "request {Request} of process {Process} refused: {Reason}")]
    public partial void Refused(uint request, int process, string reason);

    [LoggerMessage(LogLevel.Warning, "user {User} has {Files} files open, as many as allowed; process {Process} gets none")]
    public partial void TooMany(uint user, int files, int process);

    [LoggerMessage(LogLevel.Warning, "process {Process} sent a malformed message: {Problem}")]
    public partial void BadMessage(int process, string problem);

    [LoggerMessage(LogLevel.Information, "user {User} set {Name} to {Value}")]
    public partial void Set(uint user, string name, string value);

    [LoggerMessage(LogLevel.Error, "request of process {Process} failed inside the server")]
    public partial void Failed(int process, Exception exception);
}
