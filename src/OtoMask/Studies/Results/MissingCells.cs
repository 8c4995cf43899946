namespace OtoMask.Studies.Results;

/// <summary>Says what a study asks for and nobody measured yet.</summary>
internal sealed class MissingCells(StudyConfig config, IReadOnlyList<StudyScope> scopes, ScoreTable scores, IReadOnlyList<StudyCost> costs)
{
    private readonly string[] measured = [.. scopes.Where(scope => scope.Kind == ScopeKind.Task).Select(scope => scope.Name)];

    /// <summary>A line each; none when the study is done.</summary>
    public IEnumerable<string> Describe()
    {
        if (measured.Length == 0)
            return ["nothing was probed yet"];
        string[] unknown = [.. config.TaskNames.Except(measured)];
        return
        [
            .. unknown.Length > 0 ? [$"{string.Join(", ", unknown)}: not probed yet, so in no average"] : Array.Empty<string>(),
            .. from framework in config.Frameworks from line in Describe(framework.Name) select line,
            .. config.Seeds.Count == 1 ? ["the study has one seed, so there are no intervals and no claims"] : Array.Empty<string>(),
        ];
    }

    private IEnumerable<string> Describe(string framework)
    {
        if (config.ArmNames.All(arm => config.Seeds.All(seed => TasksOf(framework, arm, seed).Length == 0)))
        {
            yield return $"{framework}: nothing was probed yet";
            yield break;
        }
        foreach (string arm in config.ArmNames)
        {
            ulong[] absent = [.. config.Seeds.Where(seed => TasksOf(framework, arm, seed).Length == 0)];
            if (absent.Length > 0)
                yield return $"{framework}, {arm}: {(absent.Length == 1 ? "seed" : "seeds")} {string.Join(", ", absent)}";
            foreach (ulong seed in config.Seeds.Except(absent))
            {
                string[] tasks = [.. measured.Except(TasksOf(framework, arm, seed))];
                if (tasks.Length > 0)
                    yield return $"{framework}, {arm}: {string.Join(", ", tasks)} of seed {seed}, which so is in no average over {(tasks.Length == 1 ? "it" : "them")}";
            }
        }
        string[] unmeasured = [.. config.Arms.Select(arm => arm.Name).Where(arm => costs.Of(framework, arm) is null)];
        if (unmeasured.Length > 0)
            yield return $"{framework}: the cost of {string.Join(", ", unmeasured)}";
    }

    private string[] TasksOf(string framework, string arm, ulong seed) => [.. measured.Where(task => scores.Has(framework, arm, seed, task))];
}
