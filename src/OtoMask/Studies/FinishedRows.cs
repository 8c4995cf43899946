using System.Globalization;

namespace OtoMask.Studies;

/// <summary>What a study's folder holds already: a run's scores on a task count only if they are what this study would compute, and all there.</summary>
internal sealed class FinishedRows
{
    private readonly HashSet<(string Framework, string Arm, ulong Seed, string Task)> scored, confused;

    /// <exception cref="UserErrorException">A row of one of the cells was computed from something else, or says otherwise than another.</exception>
    public FinishedRows(StudyFolder folder, StudyPlan plan, IReadOnlyList<StudyCell> cells)
    {
        IReadOnlyList<StudyRow> rows = JsonLines.Read<StudyRow>(folder.Rows);
        Dictionary<(string, string, ulong, string), string> Each(Func<StudyCell, StudyTask, StudyPlan, string> fingerprintOf) =>
            (from cell in cells from task in plan.Tasks select (Key: Key(cell, task), Fingerprint: fingerprintOf(cell, task, plan))).ToDictionary(pair => pair.Key, pair => pair.Fingerprint);
        var expected = Each(FingerprintOf);
        var expectedOfFineTunings = plan.Config.FineTuning is null ? [] : Each(FingerprintOfFineTuning);
        foreach (StudyRow row in rows)
        {
            if ((row.Probe == StudyRow.FineTuned ? expectedOfFineTunings : expected).TryGetValue(Key(row), out string? fingerprint) && fingerprint != row.Fingerprint)
            {
                throw new UserErrorException(
                    $"{folder.Rows} holds {row.Framework} {row.Arm} seed {row.Seed} on {row.Task} from another configuration or other data; choose another `folder`, or remove those rows");
            }
        }
        scored = [.. rows.Where(row => expected.ContainsKey(Key(row))).GroupBy(Key).Where(task => !plan.Config.Probes.Except(ProbesOf(task)).Any()).Select(task => task.Key)];
        confused = [.. JsonLines.Read<StudyConfusion>(folder.Confusions).Select(Key)];
    }

    /// <summary>Whether the cell was probed on the task by every probe, and its confusions are there where the task has some.</summary>
    public bool Has(StudyCell cell, StudyTask task) => scored.Contains(Key(cell, task)) && (task.Task.IsMultiLabel || confused.Contains(Key(cell, task)));

    /// <summary>Writes what the cell's probes on the task found, in place of what a cut file has left of it. The rows, which make it count, come last.</summary>
    public static void Write(StudyFolder folder, StudyCell cell, StudyTask task, IEnumerable<StudyRow> rows, StudyConfusion? confusion)
    {
        if (confusion is not null)
            JsonLines.Replace(folder.Confusions, old => Key(old) == Key(cell, task), [confusion]);
        JsonLines.Replace(folder.Rows, old => Key(old) == Key(cell, task), rows);
    }

    /// <summary>What the rows of a cell and a task depend on.</summary>
    public static string FingerprintOf(StudyCell cell, StudyTask task, StudyPlan plan) =>
        cell.Fingerprint(plan.PoolHash, task.Hash, $"{plan.Config.Probe} {string.Join(' ', plan.Config.ProbeSeeds)}{(task.Seconds is { } seconds ? string.Create(CultureInfo.InvariantCulture, $" {seconds} s") : "")}");

    /// <summary>What the row of a fine-tuning depends on.</summary>
    public static string FingerprintOfFineTuning(StudyCell cell, StudyTask task, StudyPlan plan) =>
        cell.Fingerprint(plan.PoolHash, task.Hash, string.Join('\n', StudyFineTuning.SettingsOf(StudyFineTuning.Configure(plan, cell, task))));

    /// <summary>The probes that rows of one cell and task are of.</summary>
    private static (string Probe, ulong? Seed)[] ProbesOf(IEnumerable<StudyRow> rows)
    {
        IGrouping<(string, ulong?), StudyRow>[] probes = [.. rows.Distinct().GroupBy(row => (row.Probe, row.ProbeSeed))];
        if (probes.FirstOrDefault(probe => probe.Count() > 1) is { } twice)
            throw StudyRow.Contradiction(twice.First(), twice.ElementAt(1));
        return [.. probes.Select(probe => probe.Key)];
    }

    private static (string, string, ulong, string) Key(StudyCell cell, StudyTask task) => (cell.Framework, cell.Arm, cell.Seed, task.Name);

    private static (string, string, ulong, string) Key(StudyRow row) => (row.Framework, row.Arm, row.Seed, row.Task);

    private static (string, string, ulong, string) Key(StudyConfusion confusion) => (confusion.Framework, confusion.Arm, confusion.Seed, confusion.Task);
}
