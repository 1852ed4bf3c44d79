using Netmap.Access;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Server.Configuration;

/// <summary>Where a server's configuration comes from: options of the command line, and a file that is read anew each time.</summary>
public sealed class ConfigurationSource
{
    /// <summary>The file that is read if it exists and no other is named.</summary>
    public const string DefaultFile = "/etc/netmap/netmapd.conf";

    private const int FileTypes = 0xf000;
    private const int RegularFile = 0x8000;
    private const int WrittenByOthers = 0x2;

    /// <summary>The file; null for <see cref="DefaultFile"/> if it exists.</summary>
    public string? File { get; init; }

    /// <summary>Users who administer, a list for each option: <c>alice+%netadmin</c>.</summary>
    public IReadOnlyList<string> Administrators { get; init; } = [];

    /// <summary><c>NAME=LIST</c> for each option: who may open an interface.</summary>
    public IReadOnlyList<string> Interfaces { get; init; } = [];

    /// <summary><c>NAME=LIST</c> for each option: who may make a switch and have ports on it.</summary>
    public IReadOnlyList<string> Switches { get; init; } = [];

    /// <summary><c>NAME=LIST</c> for each option: who may open a port of one another.</summary>
    public IReadOnlyList<string> Ports { get; init; } = [];

    /// <summary>The file that <see cref="Read"/> would read now, or null.</summary>
    public string? Present => File ?? (System.IO.File.Exists(DefaultFile) ? DefaultFile : null);

    /// <summary>Reads it.</summary>
    /// <param name="options">Limits where no rule says others.</param>
    /// <exception cref="ConfigurationException">A line makes no sense, or the file cannot be read.</exception>
    public ServerConfiguration Read(NetmapServerOptions options)
    {
        List<ConfigurationException> wrong = [];
        ServerConfiguration found = ReadAll(options, wrong);
        return wrong.Count == 0 ? found : throw wrong[0];
    }

    /// <summary>Reads it to its end, and looks for what is probably not meant.</summary>
    /// <param name="options">Of the server.</param>
    /// <param name="wrong">Takes each line that makes no sense.</param>
    /// <exception cref="ConfigurationException">The file cannot be read.</exception>
    public ServerConfiguration Check(NetmapServerOptions options, out IReadOnlyList<ConfigurationException> wrong)
    {
        List<ConfigurationException> lines = [];
        wrong = lines;
        ServerConfiguration found = ReadAll(options, lines);
        return found.With(MemorySum.Warnings(found, options));
    }

    /// <summary>What may be right another time: interfaces that are not there now.</summary>
    public IReadOnlyList<string> Notes(ServerConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        using NetworkNamespace here = NetworkNamespace.Current();
        HashSet<string> present = [.. here.List().Select(link => link.Name)];
        return
        [
            .. configuration.Interfaces.Where(rule => !present.Contains(rule.Name))
                .Select(rule => $"{rule.Place}: there is no interface {ConfigurationText.Shown(rule.Name)} here now"),
        ];
    }

    private ServerConfiguration ReadAll(NetmapServerOptions options, List<ConfigurationException> wrong)
    {
        // New each time: users come and go.
        ConfigurationParser parser = new(new UserNames(), ResourceAccounts.Defaults(options));
        foreach (string list in Administrators)
            Try(wrong, () => parser.Administrators("--admin", [list]));
        foreach (string value in Interfaces)
            Try(wrong, () => Rule(parser, "--allow-interface", AccessSubject.Interface, value));
        foreach (string value in Switches)
            Try(wrong, () => Rule(parser, "--allow-switch", AccessSubject.Switch, value));
        foreach (string value in Ports)
            Try(wrong, () => Rule(parser, "--allow-port", AccessSubject.Port, value));
        string? file = Present;
        if (file is not null)
        {
            string[] lines = Lines(file);
            for (int i = 0; i < lines.Length; i++)
            {
                string place = $"{file}:{i + 1}";
                string line = lines[i];
                Try(wrong, () => parser.Line(place, line));
            }
        }
        return parser.Finish(file);
    }

    /// <summary>A list has no '=', a name may.</summary>
    private static void Rule(ConfigurationParser parser, string option, AccessSubject subject, string value)
    {
        int equals = value.LastIndexOf('=');
        if (equals <= 0)
            throw new ConfigurationException(option, $"'{ConfigurationText.Shown(value)}' is not NAME=LIST, such as eth1=alice+%capture");
        parser.Rule(option, subject, [value[..equals], value[(equals + 1)..]]);
    }

    private static void Try(List<ConfigurationException> wrong, Action read)
    {
        try
        {
            read();
        }
        catch (ConfigurationException problem)
        {
            wrong.Add(problem);
        }
    }

    /// <summary>Who writes the file administers the server: that is for root and the server's own user.</summary>
    private static unsafe void CheckWriters(string file)
    {
        statx found;
        // What is not there, or cannot be seen, is told where it is read.
        if (SysStat.statx(file, &found).IsError)
            return;
        if ((found.stx_mode & FileTypes) != RegularFile)
            throw new ConfigurationException(file, "it is no regular file");
        if ((found.stx_mode & WrittenByOthers) != 0)
            throw new ConfigurationException(file, $"every user can write it, and so become an administrator; chmod o-w {file}");
        if (found.stx_uid != 0 && found.stx_uid != Unistd.geteuid())
            throw new ConfigurationException(file, $"it belongs to user {found.stx_uid}, who can so become an administrator; chown root {file}");
    }

    private static string[] Lines(string file)
    {
        try
        {
            CheckWriters(file);
            return System.IO.File.ReadAllLines(file);
        }
        catch (Exception problem) when (problem is UnauthorizedAccessException or IOException and not ConfigurationException)
        {
            throw new ConfigurationException(file, $"it cannot be read: {problem.Message}");
        }
    }
}
