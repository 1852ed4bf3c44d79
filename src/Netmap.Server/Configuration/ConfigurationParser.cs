using System.Globalization;
using Netmap.Access;

namespace Netmap.Server.Configuration;

/// <summary>
/// Reads rules, one a line (docs/ownership.md). A user or group that does not exist is a warning, and the rule is without it: rules only
/// allow, so that nothing is allowed by mistake, and a user who was deleted does not keep the server from starting.
/// </summary>
/// <param name="names">Where users are looked up.</param>
/// <param name="defaults">Limits where no rule says others; for what is printed.</param>
internal sealed class ConfigurationParser(IUserNames names, ResourceLimits defaults)
{
    private const string Others = "*";

    /// <summary>IFNAMSIZ without the zero.</summary>
    private const int LongestInterface = 15;

    private readonly List<string> _administrators = [];
    private readonly List<AccessRule> _rules = [];
    private readonly Dictionary<uint, (LimitChanges Changes, string Place)> _limits = [];

    /// <summary>Put into words at the end: limits depend on lines that may follow.</summary>
    private readonly List<Func<string>> _understood = [];
    private readonly List<string> _warnings = [];
    private readonly List<(string, string)> _interfaces = [];
    private (LimitChanges Changes, string Place)? _others;

    /// <summary>One line of a file.</summary>
    /// <param name="place">For messages, <c>FILE:LINE</c>.</param>
    /// <param name="line">With its comment, if any.</param>
    /// <exception cref="ConfigurationException">It makes no sense.</exception>
    public void Line(string place, string line)
    {
        int comment = line.IndexOf('#');
        string[] words = (comment < 0 ? line : line[..comment]).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length == 0)
            return;
        string[] rest = words[1..];
        switch (words[0])
        {
            case "admin":
                Administrators(place, rest);
                break;
            case "interface":
                Rule(place, AccessSubject.Interface, rest);
                break;
            case "switch":
                Rule(place, AccessSubject.Switch, rest);
                break;
            case "port":
                Rule(place, AccessSubject.Port, rest);
                break;
            case "limit":
                Limit(place, rest);
                break;
            default:
                throw Wrong(place, $"'{ConfigurationText.Shown(words[0])}' is no rule; a line begins with admin, interface, switch, port or limit");
        }
    }

    /// <summary><c>admin USER…</c></summary>
    /// <exception cref="ConfigurationException">No user is named.</exception>
    public void Administrators(string place, IEnumerable<string> users)
    {
        string[] known = Known(place, users, "admin USER…");
        _administrators.AddRange(known);
        _understood.Add(() => $"{place}: {Words(known)} may administer, as root and the server's own user may");
    }

    /// <summary><c>interface NAME USER…</c>, <c>switch NAME USER…</c>, <c>port NAME USER…</c></summary>
    /// <param name="place">For messages.</param>
    /// <param name="subject">Which of them.</param>
    /// <param name="words">Name and users.</param>
    /// <exception cref="ConfigurationException">A name is missing, or cannot be one.</exception>
    public void Rule(string place, AccessSubject subject, string[] words)
    {
        string form = $"{subject.ToString().ToLowerInvariant()} NAME USER…";
        string name = words.Length > 0 && words[0].Length > 0 ? words[0] : throw Wrong(place, $"a name and users are missing: {form}");
        if (Problem(subject, name) is { } problem)
            throw Wrong(place, $"'{ConfigurationText.Shown(name)}' {problem}");
        string[] known = Known(place, words[1..], form);
        _rules.Add(new AccessRule(subject, name, UserList.Of(known, names)));
        if (subject == AccessSubject.Interface && !name.AsSpan().ContainsAny('*', '?', ':'))
            _interfaces.Add((place, name));
        (string who, string what) = (Words(known), ConfigurationText.Shown(name));
        _understood.Add(() => subject switch
        {
            AccessSubject.Interface => $"{place}: {who} may open interface {what}",
            AccessSubject.Switch => $"{place}: {who} may make switch {what} and have ports on it; others only where its owner shares it",
            _ => $"{place}: {who} may open port {what} of one another, and of root, in its owner's memory",
        });
    }

    /// <summary>The whole.</summary>
    /// <param name="file">That lines came from, or null.</param>
    public ServerConfiguration Finish(string? file = null) => new(new AccessPolicy(UserList.Of(_administrators, names), _rules, names), _others?.Changes,
        _limits.ToDictionary(entry => entry.Key, entry => entry.Value.Changes))
    {
        File = file,
        Rules = [.. _understood.Select(words => words())],
        Warnings = _warnings,
        Interfaces = _interfaces,
        Limited = [.. _limits.Select(entry => (entry.Key, entry.Value.Place))],
    };

    /// <summary><c>limit USER… KEY=VALUE…</c>; the user <c>*</c> stands for all who have no line of their own.</summary>
    private void Limit(string place, string[] words)
    {
        string[] users = [.. words.TakeWhile(word => !word.Contains('='))];
        string[] values = words[users.Length..];
        if (users.Length == 0 || values.Length == 0)
            throw Wrong(place, "users and limits are missing: limit USER… KEY=VALUE…; the user * for all others");
        LimitChanges changes = new();
        foreach (string value in values)
        {
            try
            {
                changes = changes.With(value);
            }
            catch (FormatException problem)
            {
                throw Wrong(place, problem.Message);
            }
        }
        foreach (string user in Split(users))
            Limit(place, user, changes);
    }

    private void Limit(string place, string user, LimitChanges changes)
    {
        if (user == Others)
        {
            _others = _others is { } there ? throw Wrong(place, $"there are limits for * already: {there.Place}") : (changes, place);
            _understood.Add(() => $"{place}: every other user may have {ConfigurationText.Of(changes.Over(defaults))}");
            return;
        }
        if (user.StartsWith('%'))
            throw Wrong(place, $"'{ConfigurationText.Shown(user)}': a limit is a user's, not a group's; name its members, or * for all others");
        if (names.FindUser(user) is not { } number)
        {
            Missing(place, "user", user);
            return;
        }
        if (!_limits.TryAdd(number, (changes, place)))
            throw Wrong(place, $"there are limits for {ConfigurationText.Shown(user)} already: {_limits[number].Place}");
        _understood.Add(() => $"{place}: {Word(user)} may have {ConfigurationText.Of(changes.Over(_others?.Changes.Over(defaults) ?? defaults))}");
    }

    /// <summary>The users of a rule that exist; the others are warned of.</summary>
    private string[] Known(string place, IEnumerable<string> words, string form)
    {
        string[] users = Split(words);
        if (users.Length == 0)
            throw Wrong(place, $"no user is named: {form}; USER is a name or number, %GROUP, or * for all");
        return [.. users.Where(user => IsKnown(place, user))];
    }

    private bool IsKnown(string place, string user)
    {
        if (user == "%")
            throw Wrong(place, "% is followed by a group's name");
        bool group = user.StartsWith('%');
        string name = group ? user[1..] : user;
        if (user == Others || (group ? names.FindGroup(name) : names.FindUser(name)) is not null)
            return true;
        Missing(place, group ? "group" : "user", name);
        return false;
    }

    private void Missing(string place, string what, string name) =>
        _warnings.Add($"{place}: there is no {what} '{ConfigurationText.Shown(name)}' here, and the rule is without it; "
            + "one of a directory service is named by its number");

    /// <summary>Lists joined by +, as in ports' names, are lists here, too.</summary>
    private static string[] Split(IEnumerable<string> words) =>
        [.. words.SelectMany(word => word.Split('+', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    /// <summary>Why a name can be none of its kind, or null.</summary>
    private static string? Problem(AccessSubject subject, string name)
    {
        bool pattern = name.Contains('*');
        bool vale = name.StartsWith("vale", StringComparison.Ordinal);
        return subject switch
        {
            AccessSubject.Interface when vale => "is a switch's name; write: switch, or for a port of it: port",
            AccessSubject.Interface when !pattern && name.Length > LongestInterface && !name.StartsWith("tap:", StringComparison.Ordinal) =>
                $"is too long for an interface, which has up to {LongestInterface} characters",
            AccessSubject.Switch when name.Contains(':') => "is a port's name; a switch's has no colon",
            AccessSubject.Switch when !vale && !pattern => "is no switch's name, which begins with vale",
            _ => null,
        };
    }

    private string Words(string[] users) => users.Length == 0 ? "no user" : string.Join(", ", users.Select(Word));

    private string Word(string user)
    {
        if (user == Others)
            return "every user";
        bool group = user.StartsWith('%');
        uint? number = group ? names.FindGroup(user[1..]) : names.FindUser(user);
        return string.Create(CultureInfo.InvariantCulture, $"{(group ? "group" : "user")} {user.TrimStart('%')} ({number})");
    }

    private static ConfigurationException Wrong(string place, string problem) => new(place, problem);
}
