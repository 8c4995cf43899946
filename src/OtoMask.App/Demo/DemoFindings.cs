using OtoMask.App.Reports;
using OtoMask.Evaluation;

namespace OtoMask.App.Demo;

/// <summary>What the scores say: differences on the same clips with 95 % intervals, and the answer in a sentence.</summary>
internal sealed class DemoFindings
{
    private readonly IReadOnlyList<DemoScores> scores;

    public DemoFindings(IReadOnlyList<DemoScores> scores)
    {
        this.scores = scores;
        DemoScores[] baselines = [.. scores.Take(2)], trained = [.. scores.Skip(2)];
        Gains = [.. from encoder in trained from baseline in baselines select Difference(encoder, baseline)];
        BetweenMasks = Difference(trained[^1], trained[0]);
    }

    /// <summary>Every pre-trained encoder against every baseline.</summary>
    public IReadOnlyList<DifferenceRow> Gains { get; }

    /// <summary>The last strategy against the first.</summary>
    public DifferenceRow BetweenMasks { get; }

    /// <summary>Accuracy with its interval over test clips, one a task.</summary>
    public static IReadOnlyList<Estimate?> Accuracies(DemoScores encoder) =>
        [.. encoder.Probes.Select(probe => (Estimate?)ToEstimate(Intervals.OverClips(probe)))];

    /// <summary>The answer in one sentence: where pre-training clearly beats both baselines, and whether the mask mattered.</summary>
    public string Answer
    {
        get
        {
            string[] clear = [.. Tasks.Where(task => Trained.Any(encoder => Clearly(encoder, task, better: true)))];
            string[] lost = [.. Tasks.Where(task => Trained.Any(encoder => Clearly(encoder, task, better: false)))];
            string gained = clear.Length > 0
                ? $"pre-training clearly beats both the untrained network and log-mel statistics on {List(clear)}"
                : "pre-training beats the baselines clearly on none of the tasks";
            string lostText = lost.Length > 0 ? $", clearly falls behind one of them on {List(lost)}" : ", and falls clearly behind on none";
            string[] mattered = [.. Tasks.Where((_, i) => BetweenMasks.Differences[i] is { } difference && difference.ToInterval().ExcludesZero)];
            string masks = mattered.Length > 0
                ? $"{BetweenMasks.Name} differs clearly on {List(mattered)}"
                : "between the two masking strategies no difference is clear";
            return $"With this little training, {gained}{lostText}; {masks}.";
        }
    }

    private IReadOnlyList<string> Tasks => [.. scores[0].Probes.Select(probe => probe.Task.Name)];

    private IEnumerable<DemoScores> Trained => scores.Skip(2);

    /// <summary>Better than both baselines, or worse than one of them, with the whole interval.</summary>
    private bool Clearly(DemoScores encoder, string task, bool better)
    {
        int i = Tasks.ToList().IndexOf(task);
        Interval[] against = [.. Gains.Where(row => row.Name.StartsWith(encoder.Name + " ", StringComparison.Ordinal)).Select(row => row.Differences[i]!.Value.ToInterval())];
        return better
            ? against.All(difference => difference is { ExcludesZero: true, Value: > 0 })
            : against.Any(difference => difference is { ExcludesZero: true, Value: < 0 });
    }

    private static DifferenceRow Difference(DemoScores encoder, DemoScores baseline) => new(
        $"{encoder.Name} - {baseline.Name}",
        [.. encoder.Probes.Zip(baseline.Probes, (mine, theirs) => (Estimate?)ToEstimate(Intervals.PairedDifference(mine, theirs)))]);

    private static Estimate ToEstimate(Interval interval) => new(interval.Value, interval.Low, interval.High);

    private static string List(string[] names) => names.Length == 1 ? names[0] : string.Join(", ", names[..^1]) + " and " + names[^1];
}
