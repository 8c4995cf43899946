using System.Globalization;

namespace OtoMask.Studies;

/// <summary>The rows that a study's folder holds already; they count only if they are what this study would compute.</summary>
internal sealed class FinishedRows
{
    private readonly HashSet<(string Framework, string Arm, ulong Seed, string Task)> finished;

    /// <exception cref="UserErrorException">A row of one of the cells was computed from something else.</exception>
    public FinishedRows(StudyFolder folder, StudyPlan plan, IReadOnlyList<StudyCell> cells)
    {
        IReadOnlyList<StudyRow> rows = JsonLines.Read<StudyRow>(folder.Rows);
        var expected =
            (from cell in cells from task in plan.Tasks select (Key: Key(cell, task), Fingerprint: FingerprintOf(cell, task, plan))).ToDictionary(pair => pair.Key, pair => pair.Fingerprint);
        foreach (StudyRow row in rows)
        {
            if (expected.TryGetValue(Key(row), out string? fingerprint) && fingerprint != row.Fingerprint)
            {
                throw new UserErrorException(
                    $"{folder.Rows} holds {row.Framework} {row.Arm} seed {row.Seed} on {row.Task} from another configuration or other data; choose another --out, or remove those rows");
            }
        }
        finished = [.. rows.Select(Key)];
    }

    /// <summary>Whether the cell was probed on the task.</summary>
    public bool Has(StudyCell cell, StudyTask task) => finished.Contains(Key(cell, task));

    /// <summary>What the rows of a cell and a task depend on.</summary>
    public static string FingerprintOf(StudyCell cell, StudyTask task, StudyPlan plan) =>
        cell.Fingerprint(plan.PoolHash, task.Hash, $"{plan.Config.Probe} {string.Join(' ', plan.Config.ProbeSeeds)}{(task.Seconds is { } seconds ? string.Create(CultureInfo.InvariantCulture, $" {seconds} s") : "")}");

    private static (string, string, ulong, string) Key(StudyCell cell, StudyTask task) => (cell.Framework, cell.Arm, cell.Seed, task.Name);

    private static (string, string, ulong, string) Key(StudyRow row) => (row.Framework, row.Arm, row.Seed, row.Task);
}
