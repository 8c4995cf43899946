using OtoMask.App.Reports;
using OtoMask.Runs;

namespace OtoMask.App.Serve.Watching;

/// <summary>The curves of a run that somebody looks at, and what its console would have warned of.</summary>
/// <param name="log">Its <c>log.jsonl</c>.</param>
internal sealed class RunCurves(string log)
{
    private const int MostNotes = 100, MostCurves = 64;
    private readonly LogFollower follower = new(log);
    private readonly Dictionary<string, GrowingCurve> curves = [];
    private readonly List<string> notes = [];
    private int skipped;
    private Collapse collapse = new();

    /// <summary>Counts how often the log began anew.</summary>
    public int Beginning { get; private set; }

    /// <summary>The curves by what pages call them.</summary>
    public IReadOnlyDictionary<string, GrowingCurve> ByName => curves;

    /// <summary>What the run warned of before its steps, values that changed when it went on, a collapse, skipped steps.</summary>
    public IReadOnlyList<string> Notes =>
    [
        .. notes,
        .. (string[])(collapse.Warning is { } warning ? [warning] : []),
        .. (string[])(skipped > 0 ? [$"{skipped} steps changed nothing: loss or gradient was not finite"] : []),
    ];

    /// <summary>Takes in what is new; of a long log a piece, so call again until nothing is.</summary>
    /// <returns>Whether anything was.</returns>
    /// <exception cref="UserErrorException">The log cannot be read.</exception>
    public bool Follow()
    {
        IReadOnlyList<LogRow> rows = follower.ReadNew();
        if (follower.HasBegunAnew)
        {
            curves.Clear();
            notes.Clear();
            skipped = 0;
            collapse = new();
            Beginning++;
        }
        foreach (LogRow row in rows)
            Take(row);
        return rows.Count > 0;
    }

    private void Take(LogRow row)
    {
        switch (row)
        {
            case StepRecord step:
                Add("Loss", step.Step, step.Loss);
                foreach ((string name, double value) in step.Parts)
                    Add($"Loss, {name}", step.Step, value);
                Add("Learning rate", step.Step, step.LearningRate);
                Add("Hint ratio", step.Step, step.Hint);
                Add("Gradient norm", step.Step, step.GradientNorm);
                Add("Clips per second", step.Step, step.ClipsPerSecond);
                Add("Waiting for data, %", step.Step, 100 * step.DataWait);
                Add("1 - tau", step.Step, 1 - step.Ema);
                skipped += step.Applied ? 0 : 1;
                break;
            case EvaluationRecord evaluation:
                Add(MetricNames.FullTitleOf(evaluation.Metric), evaluation.Step, evaluation.Value);
                collapse.Look(evaluation);
                break;
            case ChangeRecord change:
                Note($"from step {change.Step} on: {change.Key} {change.Old ?? "unset"} → {change.New ?? "unset"}");
                break;
            case WarningRecord warning:
                Note(warning.Message);
                break;
        }
    }

    private void Note(string note)
    {
        if (notes.Count < MostNotes)
            notes.Add(note);
    }

    private void Add(string name, long step, double? value)
    {
        if (value is not { } number)
            return;
        if (!curves.TryGetValue(name, out GrowingCurve? curve))
        {
            if (curves.Count == MostCurves)
                return;
            curves[name] = curve = new GrowingCurve();
        }
        curve.Add(step, number);
    }

    /// <summary>The last warning of a collapse, as the console gave it.</summary>
    private sealed class Collapse : ITrainingObserver
    {
        private readonly HealthAlarm alarm;

        public Collapse() => alarm = new HealthAlarm(this, firstRank: null);

        public string? Warning { get; private set; }

        public void Look(EvaluationRecord evaluation) => alarm.Look(evaluation);

        void ITrainingObserver.Warning(string message) => Warning = message;
    }
}
