using System.Globalization;

namespace OtoMask.Distributed;

/// <summary>Who starts processes that train together, and the variables by which they tell each of them its place.</summary>
internal static class Launchers
{
    /// <summary>The store of processes that this program has started itself.</summary>
    public const string StoreVariable = "OTOMASK_STORE";

    /// <summary>The place of this process; null where it is alone.</summary>
    /// <param name="variable">Value of a variable of the environment; null where it is not set.</param>
    /// <exception cref="UserErrorException">A variable is missing or impossible.</exception>
    public static RankPlace? Find(Func<string, string?> variable)
    {
        var read = new Variables(variable);
        RankPlace? place = read.Has("RANK") && read.Has("WORLD_SIZE") ? OfTorch(read)
            : read.Has("OMPI_COMM_WORLD_RANK") ? OfOpenMpi(read)
            : read.Has("SLURM_PROCID") && !read.IsShellOfSlurm ? OfSlurm(read)
            : null;
        if (place is null or { Size: 1 })
            return null;
        return place.Rank < place.Size && place.LocalRank < place.LocalSize
            ? place
            : throw new UserErrorException($"{place.Launcher} says that this is rank {place.Rank} of {place.Size}, {place.LocalRank} of {place.LocalSize} on this machine, which cannot be; look at the variables it sets");
    }

    /// <summary>What a process that this program starts is told.</summary>
    public static IEnumerable<(string Name, string Value)> VariablesOf(RankPlace place) =>
    [
        ("RANK", Text(place.Rank)), ("WORLD_SIZE", Text(place.Size)), ("LOCAL_RANK", Text(place.LocalRank)), ("LOCAL_WORLD_SIZE", Text(place.LocalSize)),
        (StoreVariable, place.StoreFile!),
    ];

    /// <summary>torchrun, this program, and who sets torch.distributed's variables by hand.</summary>
    private static RankPlace OfTorch(Variables read)
    {
        int rank = read.Number("RANK"), size = read.Number("WORLD_SIZE");
        bool isTorchrun = read.Has("TORCHELASTIC_RUN_ID");
        string? file = read.Text(StoreVariable);
        return new(rank, size, read.Number("LOCAL_RANK", file is null && !isTorchrun ? 0 : rank), read.Number("LOCAL_WORLD_SIZE", 1))
        {
            Launcher = file is not null ? "otomask" : isTorchrun ? "torchrun" : "the environment (RANK, WORLD_SIZE)",
            StoreFile = file,
            Host = file is null ? read.Text("MASTER_ADDR") ?? throw read.Missing("MASTER_ADDR", "the address of the machine of rank 0") : "127.0.0.1",
            Port = read.Number("MASTER_PORT", RankPlace.DefaultPort),
            LauncherHoldsStore = read.Text("TORCHELASTIC_USE_AGENT_STORE") == "True",
            Attempt = read.Joined("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT"),
            IsStarved = isTorchrun,
        };
    }

    private static RankPlace OfOpenMpi(Variables read)
    {
        int rank = read.Number("OMPI_COMM_WORLD_RANK"), size = read.Number("OMPI_COMM_WORLD_SIZE"), here = read.Number("OMPI_COMM_WORLD_LOCAL_SIZE", 1);
        return new(rank, size, read.Number("OMPI_COMM_WORLD_LOCAL_RANK", 0), here)
        {
            Launcher = "Open MPI",
            Host = read.Text("MASTER_ADDR") ?? (here == size ? "127.0.0.1" : size == 1 ? "" : throw read.Missing("MASTER_ADDR", "the address of the machine of rank 0 (mpirun -x MASTER_ADDR=...)")),
            Port = read.Number("MASTER_PORT", RankPlace.DefaultPort),
            Attempt = read.Joined("PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid"),
        };
    }

    private static RankPlace OfSlurm(Variables read)
    {
        int rank = read.Number("SLURM_PROCID"), size = read.Has("SLURM_STEP_NUM_TASKS") ? read.Number("SLURM_STEP_NUM_TASKS") : read.Number("SLURM_NTASKS", 1);
        int nodes = read.Number("SLURM_STEP_NUM_NODES", read.Number("SLURM_NNODES", 1)), local = read.Number("SLURM_LOCALID", 0);
        int here = nodes == 1 ? size : FirstNumber(read.Text("SLURM_STEP_TASKS_PER_NODE") ?? read.Text("SLURM_TASKS_PER_NODE")) ?? local + 1;
        string? hosts = read.Text("SLURM_STEP_NODELIST") ?? read.Text("SLURM_NODELIST") ?? read.Text("SLURM_JOB_NODELIST");
        return new(rank, size, local, Math.Max(here, local + 1))
        {
            Launcher = "SLURM",
            Host = read.Text("MASTER_ADDR") ?? (hosts is not null ? FirstHost(hosts) : size == 1 ? "" : throw read.Missing("SLURM_NODELIST", "the machines of the job")),
            Port = read.Number("MASTER_PORT", RankPlace.DefaultPort),
            Attempt = read.Joined("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT"),
        };
    }

    /// <summary>The first host of SLURM's list: <c>gpu[07-12,20],login</c> begins with <c>gpu07</c>.</summary>
    internal static string FirstHost(string list)
    {
        int end = list.IndexOfAny([',', '[']);
        if (end < 0 || list[end] == ',')
            return end < 0 ? list : list[..end];
        int first = list.IndexOfAny([',', '-', ']'], end), close = list.IndexOf(']', end);
        if (first < 0 || close < 0)
            throw new UserErrorException($"SLURM's list of machines, {list}, cannot be read; set MASTER_ADDR to the machine of rank 0");
        string rest = list[(close + 1)..];
        return list[..end] + list[(end + 1)..first] + (rest.IndexOf(',') is >= 0 and var more ? rest[..more] : rest);
    }

    /// <summary>Of <c>4(x2),3</c> the 4.</summary>
    private static int? FirstNumber(string? list) =>
        int.TryParse(new string([.. (list ?? "").TakeWhile(char.IsAsciiDigit)]), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed class Variables(Func<string, string?> variable)
    {
        /// <summary>Whether this is no task of a job but the shell that a job is begun from.</summary>
        public bool IsShellOfSlurm => Text("SLURM_JOB_NAME") is "bash" or "interactive";

        public bool Has(string name) => Text(name) is not null;

        public string? Text(string name) => variable(name) is { Length: > 0 } text ? text : null;

        public int Number(string name, int? otherwise = null) => Text(name) is not { } text
            ? otherwise ?? throw Missing(name, "a whole number")
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                ? number
                : throw new UserErrorException($"{name}={text} is no whole number; correct it");

        public string Joined(params IEnumerable<string> names) => string.Join('-', names.Select(Text).Where(text => text is not null));

        public UserErrorException Missing(string name, string what) => new($"{name} is not set; the launcher, or you, must set it to {what}");
    }
}
