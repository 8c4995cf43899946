using System.Diagnostics;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Distributed;

/// <summary>A test on two hosts; skipped, and said so, where they cannot be made.</summary>
internal sealed class TwoHostsFactAttribute : FactAttribute
{
    public TwoHostsFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess)
            Skip = "two hosts are network namespaces, which take root";
        else if (!ChildProgram.IsInstalled("ip") || !ChildProgram.IsInstalled("iptables"))
            Skip = "there is no ip or no iptables; install the Debian packages iproute2 and iptables to run this test";
    }
}

/// <summary>Two machines, as network namespaces with a wire between them, and a process of one run on each; the disk they share.</summary>
internal sealed class TwoHosts : IDisposable
{
    private const string Wire = "wire", First = "10.96.0.1", Second = "10.96.0.2";
    private static int made;
    private readonly string[] names;

    public TwoHosts()
    {
        string own = $"otomask-{Environment.ProcessId}-{Interlocked.Increment(ref made)}";
        names = [$"{own}-0", $"{own}-1"];
        foreach (string name in names)
            Ip("netns", "add", name);
        Ip("link", "add", Wire, "netns", names[0], "type", "veth", "peer", "name", Wire, "netns", names[1]);
        foreach ((string name, string address) in names.Zip((string[])[First, Second]))
        {
            Ip("-n", name, "address", "add", $"{address}/24", "dev", Wire);
            foreach (string device in (string[])["lo", Wire])
                Ip("-n", name, "link", "set", device, "up");
        }
    }

    /// <summary>Starts the program on both, as torch.distributed's variables tell.</summary>
    public AppProcess[] Start(params string[] arguments) => [.. names.Select((name, rank) => AppProcess.StartProgram("ip", ["netns", "exec", name, "dotnet", AppProcess.App, .. arguments], start =>
    {
        foreach ((string variable, string value) in (IEnumerable<(string, string)>)[("RANK", $"{rank}"), ("WORLD_SIZE", "2"), ("LOCAL_RANK", "0"), ("LOCAL_WORLD_SIZE", "1"), ("MASTER_ADDR", First), ("MASTER_PORT", "29500")])
            start.Environment[variable] = value;
    }))];

    /// <summary>Pulls the plug of the wire, or puts it in again.</summary>
    public void Cut(bool isCut)
    {
        foreach (string name in names)
            Ip("-n", name, "link", "set", Wire, isCut ? "down" : "up");
    }

    /// <summary>Has the wire lose a share of the packets, in both directions.</summary>
    public void Lose(double share)
    {
        foreach (string name in names)
            Ip("netns", "exec", name, "iptables", "-A", "INPUT", "-i", Wire, "-m", "statistic", "--mode", "random", "--probability", FormattableString.Invariant($"{share}"), "-j", "DROP");
    }

    public void Dispose()
    {
        foreach (string name in names)
            Ip("netns", "delete", name);
    }

    private static void Ip(params string[] arguments)
    {
        using Process ip = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        string error = ip.StandardError.ReadToEnd();
        ip.WaitForExit();
        Assert.True(ip.ExitCode == 0, $"ip {string.Join(' ', arguments)}: {error}");
    }
}
