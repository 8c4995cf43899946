namespace OtoMask.Studies;

/// <summary>How much of a study is done, in seconds of this machine: steps at their measured cost, probes at what they took so far.</summary>
internal sealed class StudyWork(IReadOnlyList<StudyCell> cells, IReadOnlyList<StudyCost> costs, int tasks)
{
    private const double GuessedProbeSeconds = 8; // until the first was timed
    private double probeSeconds, probes;

    /// <summary>A task of a cell was probed.</summary>
    public void Probed(double seconds) => (probeSeconds, probes) = (probeSeconds + seconds, probes + 1);

    /// <summary>Share of the whole, 0 .. 1.</summary>
    /// <param name="finished">Cells that are done.</param>
    /// <param name="current">Cell in progress, or null.</param>
    /// <param name="steps">Its steps done.</param>
    /// <param name="probed">Its tasks probed.</param>
    public double Share(int finished, StudyCell? current, long steps, int probed)
    {
        double probe = probes > 0 ? probeSeconds / probes : GuessedProbeSeconds;
        double all = cells.Sum(cell => SecondsOf(cell, cell.Steps)) + cells.Count * tasks * probe;
        double done = cells.Take(finished).Sum(cell => SecondsOf(cell, cell.Steps)) + finished * tasks * probe;
        return Math.Min(1, (done + (current is null ? 0 : SecondsOf(current, steps) + probed * probe)) / all);
    }

    private double SecondsOf(StudyCell cell, long steps)
    {
        string arm = StudyPlan.ArmOf(cell.Arm);
        return steps == 0 ? 0 : steps * costs.Of(cell.Framework, arm)!.StepMs / 1000;
    }
}
