namespace Netmap.Server.Configuration;

/// <summary>A configuration makes no sense; the message is one line, <c>FILE:LINE: what is wrong</c>.</summary>
public sealed class ConfigurationException : IOException
{
    internal ConfigurationException(string place, string problem)
        : base($"{place}: {problem}")
    {
    }
}
