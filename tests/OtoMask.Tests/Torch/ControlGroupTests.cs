using OtoMask.Torch;

namespace OtoMask.Tests.Torch;

/// <summary>What is read off the files in which Linux tells of control groups.</summary>
public sealed class ControlGroupTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-groups-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("0::/outer/inner", "outer/inner=300 outer=max", 300L)]
    [InlineData("0::/outer/inner", "outer/inner=max outer=200", 200L)] // of all groups the least binds
    [InlineData("0::/outer/inner", "outer/inner=300 outer=200 =100", 100L)]
    [InlineData("0::/outer/inner", "=100", 100L)] // in a container the group is the root of what is seen
    [InlineData("0::/outer/inner", "", null)]
    [InlineData("0::/a", "a=much", null)]
    [InlineData("7:cpu,pids:/job\n0::/", "pids/job=50 pids=max", 50L)] // the first version
    [InlineData("7:cpu:/job\n0::/", "pids/job=50 cpu/job=40", null)]
    [InlineData("nonsense", "=100", null)]
    public void The_least_that_any_group_allows_counts(string own, string limits, long? least)
    {
        Directory.CreateDirectory(Path.Combine(folder, "proc", "self"));
        File.WriteAllText(Path.Combine(folder, "proc", "self", "cgroup"), own + "\n");
        foreach (string[] limit in limits.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(limit => limit.Split('=')))
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "groups", limit[0])).FullName, "pids.max"), limit[1] + "\n");
        Assert.Equal(least, ControlGroups.Least("pids", "pids.max", "pids.max", Path.Combine(folder, "proc"), Path.Combine(folder, "groups")));
    }

    [Theory]
    [InlineData("Max open files", 1024L)]
    [InlineData("Max processes", null)]
    [InlineData("VmHWM:", 5120L)]
    [InlineData("Max", null)]
    [InlineData("none", null)]
    public void A_number_stands_behind_its_name(string name, long? number)
    {
        string file = Path.Combine(folder, "status");
        File.WriteAllText(file, "Max open files            1024                 1048576              files\nMax processes             unlimited            unlimited            processes\nVmHWM:\t    5120 kB\n");
        Assert.Equal(number, KernelFile.Number(file, name));
        Assert.Null(KernelFile.Number(file + ".none", name));
    }
}
