using OtoMask.Torch;

namespace OtoMask.Tests.Torch;

/// <summary>What is read off the files in which Linux tells of memory.</summary>
public sealed class HostMemoryTests : IDisposable
{
    private const long Kilo = 1024, Mega = 1024 * Kilo;
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-memory-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Without_a_limit_it_is_what_the_machine_has_swap_included()
    {
        Machine("0::/user.slice/mine");
        Group("user.slice/mine", ("memory.max", "max"), ("memory.current", "5000000"));
        Assert.Equal(1100 * Mega, Available);
    }

    [Fact]
    public void Without_proc_nothing_is_known() => Assert.Null(Available);

    [Theory]
    [InlineData("0::/outer/inner", "outer", 300)] // that of a group above counts
    [InlineData("0::/outer/inner", "outer/inner", 300)]
    [InlineData("0::/outer/inner", "", 300)] // in a container the group is the root of what is seen
    public void The_limit_of_a_control_group_counts_less_what_is_used_but_for_pages_of_files(string own, string limited, long megabytes)
    {
        Machine(own);
        Group(limited, ("memory.max", $"{500 * Mega}"), ("memory.current", $"{350 * Mega}"), ("memory.swap.max", "0"),
            ("memory.stat", $"anon {200 * Mega}\ninactive_file {100 * Mega}\nactive_file {50 * Mega}\n"));
        Assert.Equal(megabytes * Mega, Available);
    }

    [Fact]
    public void So_does_a_limit_of_the_first_version()
    {
        Machine("9:name=systemd:/\n4:memory:/job\n0::/");
        Group("memory/job", ("memory.limit_in_bytes", $"{400 * Mega}"), ("memory.usage_in_bytes", $"{350 * Mega}"), ("memory.stat", $"total_inactive_file {20 * Mega}\n"));
        Group("memory", ("memory.limit_in_bytes", "9223372036854771712"), ("memory.usage_in_bytes", "1"));
        Assert.Equal((400 - 350 + 20 + 100) * Mega, Available); // 100 of swap
    }

    [Fact]
    public void Files_that_make_no_sense_limit_nothing()
    {
        Machine("nonsense\n0::/a");
        Group("a", ("memory.max", "-3"), ("memory.current", "much"));
        Assert.Equal(1100 * Mega, Available);
    }

    private long? Available => HostMemory.AvailableBy(Path.Combine(folder, "proc"), Path.Combine(folder, "groups"));

    private void Machine(string group)
    {
        Directory.CreateDirectory(Path.Combine(folder, "proc", "self"));
        File.WriteAllText(Path.Combine(folder, "proc", "meminfo"), $"MemTotal: {4000 * Kilo} kB\nMemAvailable:   {1000 * Kilo} kB\nSwapFree: {100 * Kilo} kB\n");
        File.WriteAllText(Path.Combine(folder, "proc", "self", "cgroup"), group + "\n");
    }

    private void Group(string name, params (string File, string Text)[] files)
    {
        string path = Directory.CreateDirectory(Path.Combine(folder, "groups", name)).FullName;
        foreach ((string file, string text) in files)
            File.WriteAllText(Path.Combine(path, file), text + "\n");
    }
}
