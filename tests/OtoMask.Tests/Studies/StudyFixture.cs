using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Studies;
using OtoMask.Tests.Evaluation;
using OtoMask.Tests.Pretraining;

namespace OtoMask.Tests.Studies;

/// <summary>A study on real audio files that runs in seconds: two arms and their untrained network, two seeds, one task.</summary>
internal sealed class StudyFixture : IDisposable
{
    private readonly TrainingFolder pool = new();
    private readonly ToneTask task = new();

    public string Folder { get; } = Directory.CreateTempSubdirectory("otomask-study-").FullName;

    /// <summary>The study as a user writes it.</summary>
    public string Yaml => $$"""
        data: {{pool.Audio}}
        tasks: [{csv: {{task.CsvPath}}, family: events}]
        seeds: [1, 2]
        probe-seeds: [7, 8]
        follow: [tones]
        frameworks:
          m2d: {ema-start: 0.9, ema-end: 0.99}
        arms:
          random: {mask: random}
          sgim: {mask: sgim}
        pretraining:
          encoder: 16/1/2
          decoder: 16/1/2
          input: 80x96
          batch: 4
          steps: 12
          min-clips: 0
          base-lr: 0.05
          checkpoint-every: 1
          evaluate-every: 2
        """;

    public StudyPlan Plan(Func<StudyConfig, StudyConfig>? change = null)
    {
        StudyConfig config = StudyFile.Parse(Yaml, "study.yaml");
        return new StudyPlan(change?.Invoke(config) ?? config, [StudyTask.OfCsv(task.CsvPath, "events")], pool.Audio);
    }

    public StudyFolder NewFolder(string name) => new(Path.Combine(Folder, name));

    public void Dispose()
    {
        pool.Dispose();
        task.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>Costs by decree: self-guided masking takes three times as long.</summary>
internal sealed class DecreedCosts : IStudyCosts
{
    public int Measured { get; private set; }

    public StudyCost Measure(StudyCell cell, CancellationToken cancellation)
    {
        Measured++;
        return new StudyCost(cell.Framework, cell.Arm, cell.Arm == "sgim" ? 30 : 10, 1, cell.Arm == "sgim", 400, 0.1, 200);
    }
}

/// <summary>Keeps what a study told, and may stop it.</summary>
internal sealed class StudyObserver : IStudyObserver
{
    public List<string> Begun { get; } = [];

    public List<double> Shares { get; } = [];

    public List<(string Cell, string Task, double Score)> Scores { get; } = [];

    public int StepsTaken { get; private set; }

    public List<string> Notes { get; } = [];

    public Action<int>? OnStep { get; init; }

    public Action? OnScore { get; init; }

    public void Begin(StudyCell cell, int number, int all) => Begun.Add(cell.Name);

    public void Overall(double share) => Shares.Add(share);

    public void Scored(StudyCell cell, string task, double score)
    {
        Scores.Add((cell.Name, task, score));
        OnScore?.Invoke();
    }

    public void Stage(string name)
    {
    }

    public void Progress(double share)
    {
    }

    public void Choice(PrecisionChoice choice)
    {
    }

    public void Estimate(RunEstimate estimate)
    {
    }

    public void Step(StepRecord step, long totalSteps) => OnStep?.Invoke(++StepsTaken);

    public void Evaluation(EvaluationRecord evaluation)
    {
    }

    public void Warning(string message)
    {
    }

    public void Note(string message) => Notes.Add(message);
}
