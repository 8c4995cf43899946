namespace OtoMask.Studies.Results;

/// <summary>The scores of one way of probing: the mean over the probe's seeds for each run and task.</summary>
internal sealed class ScoreTable
{
    private readonly Dictionary<(string Framework, string Arm, ulong Seed, string Task), double> scores;

    /// <param name="rows">Rows of one way of probing.</param>
    /// <param name="rowsOfTask">How many rows make the score of a task; it counts only when all are there.</param>
    /// <exception cref="UserErrorException">Two rows give the same thing different scores.</exception>
    public ScoreTable(IEnumerable<StudyRow> rows, int rowsOfTask)
    {
        scores = (
            from row in rows.Distinct()
            group row by (row.Framework, row.Arm, row.Seed, row.Task) into task
            let probes = ByProbeSeed(task)
            where probes.Length == rowsOfTask
            select (task.Key, Score: probes.Average(row => row.Score))).ToDictionary(score => score.Key, score => score.Score);
    }

    /// <summary>Whether a run was probed on a task.</summary>
    public bool Has(string framework, string arm, ulong seed, string task) => scores.ContainsKey((framework, arm, seed, task));

    /// <summary>The mean over a scope's tasks within each of the seeds that have them all; null where there is no such seed.</summary>
    public SeedEstimate? Average(string framework, string arm, StudyScope scope, IEnumerable<ulong> seeds) => SeedEstimate.Of(
        from seed in seeds
        where scope.Tasks.All(task => Has(framework, arm, seed, task))
        select new SeedValue(seed, scope.Tasks.Average(task => scores[(framework, arm, seed, task)])));

    private static StudyRow[] ByProbeSeed(IEnumerable<StudyRow> rows)
    {
        StudyRow[] sorted = [.. rows.OrderBy(row => row.ProbeSeed)];
        foreach ((StudyRow row, StudyRow next) in sorted.Zip(sorted.Skip(1)))
        {
            if (row.ProbeSeed == next.ProbeSeed)
                throw StudyRow.Contradiction(row, next);
        }
        return sorted;
    }
}
