using Netmap.Bpf;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Tests.Netns.Links;

/// <summary>What the kernel says about XDP on an interface, as it changes.</summary>
public sealed class XdpFeaturesTests
{
    /// <summary>A veth takes redirected frames while its other end polls.</summary>
    [Fact]
    public void AVethFollowsItsPeer()
    {
        Privileges.RequireBpf();
        using VethLab lab = new();
        using XdpFeatures features = Of(lab, "v0");
        Assert.False(features.TakesRedirects);
        Assert.False(features.HasZeroCopy);
        using (BpfProgram program = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, new BpfAssembler().Exit(LinuxBpf.XDP_PASS).Instructions, "netmap_test", null))
        {
            int peer = Index(lab.Right, "v1");
            using BpfLink link = lab.Right.Run(() => BpfLink.TryAttach(LinuxBpf.BPF_XDP, peer, program, out _))!;
            Assert.True(features.TakesRedirects);
        }
        Assert.False(features.TakesRedirects);
        lab.Right.SetOffload("v1", "gro", true);
        Assert.True(features.TakesRedirects);
    }

    [Fact]
    public void AnInterfaceThatIsGoneTakesNothing()
    {
        using VethLab lab = new();
        lab.Right.SetOffload("v1", "gro", true);
        using XdpFeatures features = Of(lab, "v0");
        Assert.True(features.TakesRedirects);
        lab.Left.Delete("v0");
        Assert.False(features.TakesRedirects);
    }

    [Fact]
    public void AskingAllocatesNothing()
    {
        using VethLab lab = new();
        using XdpFeatures features = Of(lab, "v0");
        _ = features.TakesRedirects;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
            _ = features.TakesRedirects;
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static XdpFeatures Of(VethLab lab, string name)
    {
        int index = Index(lab.Left, name);
        return lab.Left.Run(() => new XdpFeatures(index));
    }

    private static int Index(NetworkNamespace space, string name) => space.List().Single(link => link.Name == name).Index;
}
