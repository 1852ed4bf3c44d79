using Microsoft.Extensions.Logging;
using Netmap.Server.Configuration;

namespace Netmap.Server;

/// <summary>What the server tells its log.</summary>
internal sealed partial class ServerLog(ILogger logger)
{
    /// <summary>Whether a line is due that a client of this user caused; those left out since the last one are told first.</summary>
    public bool Lists(ClientAccount account)
    {
        if (!account.Lines.TryTake(out int leftOut))
            return false;
        if (leftOut > 0)
            LeftOut(account.User, leftOut);
        return true;
    }

    /// <summary>That it holds from now on, and what of it is probably not meant.</summary>
    public void Configured(ServerConfiguration configuration)
    {
        Configured(configuration.File ?? "no file", configuration.Rules.Count);
        foreach (string warning in configuration.Warnings)
            Doubtful(warning);
    }

    [LoggerMessage(1, LogLevel.Information, "serving at {Host} with {Workers} workers")]
    public partial void Serving(string host, int workers);

    [LoggerMessage(2, LogLevel.Information, "stopping; {Files} files are open")]
    public partial void Stopping(int files);

    [LoggerMessage(3, LogLevel.Debug, "file opened by process {Process} of user {User}")]
    public partial void Opened(int process, uint user);

    [LoggerMessage(4, LogLevel.Debug, "file of process {Process} closed")]
    public partial void Closed(int process);

    [LoggerMessage(5, LogLevel.Information, "process {Process} of user {User} bound {Port}: {Rings} rings, {Memory} bytes")]
    public partial void Bound(int process, uint user, string port, int rings, long memory);

    [LoggerMessage(6, LogLevel.Information, "{Request} of process {Process} refused: {Reason}")]
    public partial void Refused(string request, int process, string reason);

    [LoggerMessage(7, LogLevel.Warning, "process {Process} gets no file: {Reason}")]
    public partial void TooMany(int process, string reason);

    [LoggerMessage(8, LogLevel.Warning, "process {Process} sent a malformed message: {Problem}")]
    public partial void BadMessage(int process, string problem);

    [LoggerMessage(9, LogLevel.Information, "user {User} set {Name} to {Value}")]
    public partial void Set(uint user, string name, string value);

    [LoggerMessage(10, LogLevel.Error, "request of process {Process} failed inside the server")]
    public partial void Failed(int process, Exception exception);

    [LoggerMessage(13, LogLevel.Error, "a file of process {Process} failed inside the server and is closed")]
    public partial void FileFailed(int process, Exception exception);

    [LoggerMessage(14, LogLevel.Error, "something failed inside the server; it goes on")]
    public partial void Survived(Exception exception);

    [LoggerMessage(15, LogLevel.Warning, "{Shortage}")]
    public partial void Shortage(string shortage);

    [LoggerMessage(16, LogLevel.Warning, "user {User} gets no file, as {Users} other users are served already; raise --users")]
    public partial void TooManyUsers(uint user, int users);

    [LoggerMessage(11, LogLevel.Warning, "process {Process} of user {User} turned away: an abstract address is for the server's own user and root")]
    public partial void Stranger(uint user, int process);

    [LoggerMessage(12, LogLevel.Warning, "{Lines} lines about user {User} were left out: too many in a short time")]
    private partial void LeftOut(uint user, int lines);

    [LoggerMessage(20, LogLevel.Information, "configuration read: {File}, {Rules} rules, those of the options included")]
    private partial void Configured(string file, int rules);

    [LoggerMessage(21, LogLevel.Error, "{Problem}; the configuration stays as it was")]
    public partial void NotConfigured(string problem);

    [LoggerMessage(22, LogLevel.Warning, "{Warning}")]
    private partial void Doubtful(string warning);
}
