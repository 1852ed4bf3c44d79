namespace Netmap.Server;

/// <summary>
/// A barrier around a piece of work for one client: what it throws is a defect of ours, and costs that client, not the process. (A fault in
/// memory cannot be caught: no code that runs for clients may have one.)
/// </summary>
internal static class Guard
{
    /// <param name="work">What to do.</param>
    /// <param name="failed">Is told of what it has thrown. What this throws in turn is lost: there is no one left to tell.</param>
    public static void Run(Action work, Action<Exception> failed)
    {
        try
        {
            work();
        }
        catch (Exception problem)
        {
            Tell(failed, problem);
        }
    }

    public static void Tell(Action<Exception> failed, Exception problem)
    {
        try
        {
            failed(problem);
        }
        catch (Exception)
        {
            // Such as a log whose disk is full, or no memory at all.
        }
    }
}
