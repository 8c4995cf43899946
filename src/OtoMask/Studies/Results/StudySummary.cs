namespace OtoMask.Studies.Results;

/// <summary>
/// Summarises rows: the probe's seeds are averaged, then tasks within each seed of the pre-training, and only then something is said over
/// those seeds. A seed counts for an average only if it was probed on every task of it, so that averages compare like with like.
/// </summary>
internal sealed class StudySummary
{
    private readonly StudyConfig config;
    private readonly IReadOnlyList<StudyCost> costs;
    private readonly StudyRow[] rows;
    private readonly int leftOut;
    private readonly StudyScope[] scopes;
    private readonly ScoreTable linear, knn;
    private readonly (string Probe, ScoreTable Scores)[] more;

    /// <exception cref="UserErrorException">Rows contradict each other.</exception>
    public StudySummary(StudyConfig config, IReadOnlyList<StudyRow> rows, IReadOnlyList<StudyCost> costs)
    {
        (this.config, this.costs) = (config, costs);
        this.rows = [.. rows.Where(IsAskedFor)];
        leftOut = rows.Count - this.rows.Length;
        ScoreTable By(string probe) => new(this.rows.Where(row => row.Probe == probe), config.Probes.Count(asked => asked.Probe == probe));
        (linear, knn, more) = (By(config.LinearProbe), By(StudyRow.Knn), [.. config.MoreProbes.Select(probe => (probe, By(probe)))]);
        scopes = [.. FindScopes()];
    }

    public StudyResults Summarise()
    {
        FrameworkResults[] frameworks = [.. config.Frameworks.Select(framework => Summarise(framework.Name))];
        SeedEstimate[] differences = [.. DistinctDifferences(frameworks).Where(difference => difference.Interval is not null)];
        return new StudyResults(config, scopes, frameworks, [.. Compare(frameworks, arm => arm.Linear.ToBaseline)], [.. new MissingCells(config, scopes, linear, costs).Describe()])
        {
            ComparisonsToUntrained = [.. Compare(frameworks, arm => arm.Linear.ToUntrained)],
            Intervals = new IntervalCount(differences.Length, differences.Count(difference => difference.ExcludesZero)),
            LeftOut = leftOut,
        };
    }

    private bool IsAskedFor(StudyRow row) =>
        config.Frameworks.Any(framework => framework.Name == row.Framework)
        && config.ArmNames.Contains(row.Arm)
        && config.Seeds.Contains(row.Seed)
        && config.TaskNames.Contains(row.Task)
        && config.Probes.Contains((row.Probe, row.ProbeSeed));

    /// <summary>The measured tasks in the study's order, their families, all of them.</summary>
    private IEnumerable<StudyScope> FindScopes()
    {
        (string Task, string Family, string Metric)[] tasks =
        [
            .. from task in config.TaskNames
               let known = rows.Where(row => row.Task == task).Select(row => (row.Task, row.Family, row.Metric)).Distinct().ToArray()
               where known.Length > 0
               select known.Length == 1
                   ? known[0]
                   : throw new UserErrorException($"the rows of {task} name two families or metrics; keep those of one run of the study"),
        ];
        if (tasks.Length == 0)
            return [];
        StudyScope Average(ScopeKind kind, string name, IEnumerable<(string Task, string Family, string Metric)> of)
        {
            string[] metrics = [.. of.Select(task => task.Metric).Distinct()];
            return new StudyScope(kind, name, metrics.Length == 1 ? metrics[0] : "score", [.. of.Select(task => task.Task)]);
        }
        return
        [
            .. tasks.Select(task => Average(ScopeKind.Task, task.Task, [task])),
            .. tasks.GroupBy(task => task.Family).Select(family => Average(ScopeKind.Family, family.Key, family)),
            Average(ScopeKind.Overall, "overall", tasks),
        ];
    }

    private FrameworkResults Summarise(string framework) => new(framework, config.Baseline, [.. config.ArmNames.Select(arm => new ArmResults(
        arm, Summarise(framework, arm, linear), Summarise(framework, arm, knn), CostOf(framework, arm))
        {
            More = [.. more.Select(probe => (probe.Probe, Summarise(framework, arm, probe.Scores)))],
        })]);

    private ArmScores Summarise(string framework, string arm, ScoreTable scores)
    {
        SeedEstimate?[] Of(string name) => [.. scopes.Select(scope => scores.Average(framework, name, scope, config.Seeds))];
        SeedEstimate?[] own = Of(arm);
        SeedEstimate?[] Beyond(string reference, bool compares) =>
            compares ? [.. own.Zip(Of(reference), SeedEstimate.Difference)] : new SeedEstimate?[scopes.Length];
        return new ArmScores(own, Beyond(config.Baseline, arm != config.Baseline && arm != StudyCell.Untrained), Beyond(StudyCell.Untrained, arm != StudyCell.Untrained));
    }

    private ArmCost? CostOf(string framework, string arm)
    {
        string measuredAs = StudyPlan.ArmOf(arm);
        StudyCost? cost = costs.Of(framework, measuredAs);
        long? steps = rows.FirstOrDefault(row => row.Framework == framework && row.Arm == arm)?.Steps ?? PlannedSteps(framework, arm);
        return cost is null || steps is null ? null : new ArmCost(cost, steps.Value);
    }

    /// <summary>The steps that the study gives an arm; null at equal time, where they follow from costs.</summary>
    private long? PlannedSteps(string framework, string arm) => config.Arms.FirstOrDefault(candidate => candidate.Name == arm) is { } known
        ? config.Configure(config.Frameworks.Single(candidate => candidate.Name == framework), known, config.Seeds[0]).Steps
        : null;

    /// <summary>Differences from the baseline, each set of tasks once: a family of one task is that task.</summary>
    private IEnumerable<SeedEstimate> DistinctDifferences(FrameworkResults[] frameworks)
    {
        int[] distinct = [.. scopes.Index().DistinctBy(scope => string.Join('\n', scope.Item.Tasks)).Select(scope => scope.Index)];
        return frameworks.SelectMany(framework => framework.Arms).SelectMany(arm => distinct.Select(i => arm.Linear.ToBaseline[i])).OfType<SeedEstimate>();
    }

    private IEnumerable<OverallComparison> Compare(FrameworkResults[] frameworks, Func<ArmResults, IReadOnlyList<SeedEstimate?>> differences)
    {
        if (scopes.Length == 0)
            return [];
        (string Framework, string Arm, SeedEstimate Difference)[] compared =
        [
            .. from framework in frameworks
               from arm in framework.Arms
               let difference = differences(arm)[^1]
               where difference?.Interval is not null
               select (framework.Name, arm.Name, difference),
        ];
        double[] p = [.. compared.Select(comparison => comparison.Difference.PValue!.Value)], adjusted = Holm.Adjust(p);
        return compared.Index().Select(item => new OverallComparison(item.Item.Framework, item.Item.Arm, item.Item.Difference, p[item.Index], adjusted[item.Index]));
    }
}
