using Netmap.Devices;
using Netmap.Interop;
using Netmap.Links;
using Netmap.Vale;

namespace Netmap.Control;

/// <summary>
/// Threads that do nothing but receive and forward, each on a CPU of its own (VALE_POLLING_ENABLE, spec 7.3): for the
/// lowest latency, at the price of those CPUs.
/// </summary>
internal sealed class SwitchPolling : IDisposable
{
    private readonly ReceiveSide[] _sides;
    private readonly InterfacePort _port;
    private readonly List<Thread> _threads = [];
    private volatile bool _stopping;

    /// <param name="port">The interface.</param>
    /// <param name="request">Mode, first CPU, number of CPUs; checked here.</param>
    /// <exception cref="NetmapException">EINVAL.</exception>
    public SwitchPolling(InterfacePort port, in nmreq_vale_polling request)
    {
        Check(port, request);
        _port = port;
        uint mode = request.nr_mode;
        int first = (int)request.nr_first_cpu_id;
        int count = (int)request.nr_num_polling_cpus;
        _sides = mode == NetmapReq.NETMAP_POLLING_MODE_SINGLE_CPU ? port.Receive : port.Receive[first..(first + count)];
        try
        {
            for (int i = 0; i < count; i++)
                Start(first + i, mode == NetmapReq.NETMAP_POLLING_MODE_SINGLE_CPU ? _sides : [port.Receive[first + i]]);
        }
        catch
        {
            Dispose();
            throw;
        }
        foreach (ReceiveSide side in _sides)
            side.IsPolled = true;
    }

    /// <summary>When it returns the threads are gone, and the interface's own thread receives again.</summary>
    public void Dispose()
    {
        _stopping = true;
        foreach (Thread thread in _threads)
            thread.Join();
        foreach (ReceiveSide side in _sides)
            side.IsPolled = false;
        _port.Wake();
    }

    private static void Check(InterfacePort port, in nmreq_vale_polling request)
    {
        uint cpus = request.nr_num_polling_cpus;
        string? wrong = request.nr_mode switch
        {
            _ when cpus == 0 || cpus >= Environment.ProcessorCount =>
                $"{cpus} polling CPUs; at least 1, and one of this machine's {Environment.ProcessorCount} must stay free",
            NetmapReq.NETMAP_POLLING_MODE_SINGLE_CPU when cpus != 1 => $"{cpus} CPUs, but one CPU polls all rings in this mode",
            NetmapReq.NETMAP_POLLING_MODE_MULTI_CPU when (ulong)request.nr_first_cpu_id + cpus > (ulong)port.Receive.Length =>
                $"CPUs {request.nr_first_cpu_id}..{request.nr_first_cpu_id + cpus - 1} poll the rings of the same numbers, and there are {port.Receive.Length}",
            NetmapReq.NETMAP_POLLING_MODE_SINGLE_CPU or NetmapReq.NETMAP_POLLING_MODE_MULTI_CPU => null,
            _ => $"no polling mode {request.nr_mode}; 1 is one CPU, 2 is several",
        };
        if (wrong is not null)
            throw new NetmapException(Errno.EINVAL, "poll", port.Name, wrong);
    }

    /// <summary>Starts one thread; it is on its CPU when this returns.</summary>
    private void Start(int cpu, ReceiveSide[] sides)
    {
        NetmapException? refused = null;
        using ManualResetEventSlim ready = new();
        Thread thread = new(() =>
        {
            try
            {
                CpuAffinity.Pin(cpu);
            }
            catch (NetmapException e)
            {
                refused = e;
            }
            bool go = refused is null;
            ready.Set();
            if (go)
                Run(sides);
        })
        { IsBackground = true, Name = $"netmap poll {_port.Name} {cpu}" };
        thread.Start();
        _threads.Add(thread);
        ready.Wait();
        if (refused is not null)
            throw new NetmapException(Errno.EINVAL, "poll", _port.Name, $"CPU {cpu} is not one this process may use");
    }

    private void Run(ReceiveSide[] sides)
    {
        while (!_stopping && _port.Link != LinkState.Gone)
        {
            foreach (ReceiveSide side in sides)
                side.Run();
        }
    }
}
