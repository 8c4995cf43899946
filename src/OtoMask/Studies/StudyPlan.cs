using OtoMask.Data;
using OtoMask.Models;

namespace OtoMask.Studies;

/// <summary>A task of a study, found on the disk.</summary>
/// <param name="Task">Its clips and labels.</param>
/// <param name="Family">events, speech, music or the user's word.</param>
/// <param name="Hash">SHA-256 of its rows and of the contents of its clips where they are known, else of its CSV.</param>
public sealed record StudyTask(LabelledTask Task, string Family, string Hash)
{
    /// <summary>Unit length of its clips; null = what fills the model's input.</summary>
    public double? Seconds { get; init; }

    /// <summary>Its name.</summary>
    public string Name => Task.Name;

    /// <summary>A task of a CSV alone: its hash is the file's.</summary>
    public static StudyTask OfCsv(string path, string family, double? seconds = null) =>
        new(LabelledTask.Read(path), family, InputFile.HashOf(path)) { Seconds = seconds };
}

/// <summary>A study with everything it needs on this machine.</summary>
public sealed record StudyPlan
{
    /// <summary>Opens the data of a study and counts its clips.</summary>
    /// <param name="config">What is compared.</param>
    /// <param name="tasks">What is probed.</param>
    /// <param name="data">What is pre-trained on, as the key <c>data</c> of a configuration names it.</param>
    /// <exception cref="UserErrorException">The data holds no clips.</exception>
    public StudyPlan(StudyConfig config, IReadOnlyList<StudyTask> tasks, string data)
    {
        (Config, Tasks, Data) = (config, tasks, data);
        using ClipSource pool = ClipSource.Open(data, new ClipSourceOptions(CellsToCost[0].Config.LogMel));
        (PoolClips, PoolHash) = (pool.Clips.Count, pool.Clips.ManifestHash);
        Inputs = [data, .. pool.Clips.Select(clip => clip.Path), .. tasks.Select(task => task.Task.CsvPath), .. tasks.SelectMany(task => task.Task.Clips.Select(clip => clip.Path))];
    }

    /// <summary>What is compared.</summary>
    public StudyConfig Config { get; private init; }

    /// <summary>What is probed.</summary>
    public IReadOnlyList<StudyTask> Tasks { get; }

    /// <summary>What is pre-trained on.</summary>
    public string Data { get; }

    /// <summary>Every file that is read.</summary>
    public IReadOnlyList<string> Inputs { get; }

    /// <summary>Clips to pre-train on.</summary>
    public int PoolClips { get; }

    /// <summary>Hash of the list of those clips.</summary>
    public string PoolHash { get; }

    /// <summary>The same study with somebody who computes the bfloat16 products of runs that do not say.</summary>
    internal StudyPlan By(Bf16By? by) => this with { Config = Config with { Bf16By = by } };

    /// <summary>What is added to the name of an arm that is run with as many steps as the baseline's time allows.</summary>
    public const string EqualTimeSuffix = " (equal time)";

    /// <summary>The arm of the study that an arm is a run of: itself, unless it is one at equal time.</summary>
    internal static string ArmOf(string name) => name.EndsWith(EqualTimeSuffix, StringComparison.Ordinal) ? name[..^EqualTimeSuffix.Length] : name;

    /// <summary>The cells whose cost is measured first: every framework with every arm.</summary>
    public IReadOnlyList<StudyCell> CellsToCost =>
        [.. from framework in Config.Frameworks from arm in Config.Arms select Cell(framework, arm, Config.Seeds[0])];

    /// <summary>
    /// All runs, in order: framework by framework, and within it seed by seed, so that whoever stops early has whole comparisons.
    /// </summary>
    /// <param name="costs">The measured costs, from which the steps of arms at equal time follow; those whose cost is not among them are left out.</param>
    public IReadOnlyList<StudyCell> Cells(IReadOnlyList<StudyCost> costs) =>
    [
        .. from framework in Config.Frameworks
           from seed in Config.Seeds
           from cell in CellsOf(framework, seed, costs)
           select cell,
    ];

    private IEnumerable<StudyCell> CellsOf(StudyFramework framework, ulong seed, IReadOnlyList<StudyCost> costs)
    {
        StudyCell[] arms = [.. Config.Arms.Select(arm => Cell(framework, arm, seed))];
        yield return arms.Single(cell => cell.Arm == Config.Baseline) with { Arm = StudyCell.Untrained };
        foreach (StudyCell cell in arms)
            yield return cell;
        foreach (StudyCell cell in arms.Where(cell => Config.EqualTime.Contains(cell.Arm)))
        {
            if (costs.Of(framework.Name, Config.Baseline) is not { } baseline || costs.Of(framework.Name, cell.Arm) is not { } own)
                continue;
            long steps = Math.Max(1, (long)Math.Round(cell.Steps * baseline.StepMs / own.StepMs));
            yield return cell with { Arm = cell.Arm + EqualTimeSuffix, Config = cell.Config with { Steps = steps } };
        }
    }

    private StudyCell Cell(StudyFramework framework, StudyArm arm, ulong seed) =>
        new(framework.Name, arm.Name, Config.Configure(framework, arm, seed) with { Data = Data });
}
