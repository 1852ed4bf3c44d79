using System.Globalization;
using Netmap.Cli.Common;

namespace Netmap.Cli.ValeCtl;

/// <summary>One thing to do, from the command line.</summary>
/// <param name="Option">Its letter.</param>
/// <param name="Name">What to do it to.</param>
internal readonly record struct ValeAction(char Option, string Name)
{
    /// <summary>Stands for <c>--share</c>, which has no letter: netmap's tool has no such option.</summary>
    public const char Share = '=';

    /// <summary>In words, for "failed to … NAME".</summary>
    public string Verb => Option switch
    {
        'a' => "attach",
        'h' => "attach with the host",
        'd' => "detach",
        'n' => "create",
        'r' => "delete",
        'g' => "get the info of",
        'l' => "list",
        'p' => "start polling",
        Share => "share",
        _ => "stop polling",
    };
}

/// <summary>The numbers of -C: rings and slots of a persistent port, or how to poll.</summary>
internal sealed class ValeConfig
{
    private readonly int[] _numbers;

    /// <exception cref="UsageException">Not one to four numbers with commas between.</exception>
    public ValeConfig(string? text)
    {
        string[] parts = text is null ? [] : text.Split(',');
        _numbers = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            bool number = int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out _numbers[i]);
            if (!number || parts.Length > 4)
                throw new UsageException($"-C takes up to four numbers with commas between, not '{text}'");
        }
    }

    /// <summary>tx_slots,rx_slots,tx_rings,rx_rings; one that is left out is as the one before it in its kind (netmap's nmreq config).</summary>
    public PersistentPort Shape(int memory) => new()
    {
        TxSlots = Number(0),
        RxSlots = _numbers.Length > 1 ? Number(1) : Number(0),
        TxRings = Number(2),
        RxRings = _numbers.Length > 3 ? Number(3) : Number(2),
        MemoryId = memory,
    };

    /// <summary>mode,first CPU,CPUs; one CPU polls all rings, the first, where nothing is said.</summary>
    public PollingOptions Polling => new()
    {
        Mode = (PollingMode)(_numbers.Length > 0 ? Number(0) : 1),
        FirstCpu = Number(1),
        Cpus = _numbers.Length > 2 ? Number(2) : 1,
    };

    private int Number(int index) => index < _numbers.Length ? _numbers[index] : 0;
}
