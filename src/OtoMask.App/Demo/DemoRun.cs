using System.Diagnostics;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Corpora;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Torch;

namespace OtoMask.App.Demo;

/// <summary>What one encoder scored on every task.</summary>
/// <param name="Name">For example <c>dwm</c>, <c>untrained</c>.</param>
/// <param name="What">A few words on it.</param>
/// <param name="Probes">One result a task, in the order of the recipe.</param>
/// <param name="Seconds">Time to embed and probe.</param>
internal sealed record DemoScores(string Name, string What, IReadOnlyList<ProbeResult> Probes, double Seconds);

/// <summary>The demo's work: assemble, pre-train twice, probe both and both baselines.</summary>
internal sealed class DemoRun : IDisposable
{
    private readonly DemoProgress progress;
    private readonly CancellationToken cancellation;
    private readonly List<DemoEncoder> encoders = [];
    private readonly List<DemoScores> scores = [];

    private DemoRun(DemoRecipe recipe, DemoProgress progress, CancellationToken cancellation) =>
        (Recipe, this.progress, this.cancellation) = (recipe, progress, cancellation);

    /// <summary>What was done.</summary>
    public DemoRecipe Recipe { get; }

    /// <summary>The labelled clips, one a task.</summary>
    public IReadOnlyList<TaskClips> Tasks { get; private set; } = [];

    /// <summary>The tasks as they were assembled.</summary>
    public IReadOnlyList<AssembledTask> Assembled { get; private set; } = [];

    /// <summary>The pre-trained models, one a strategy.</summary>
    public IReadOnlyList<DemoEncoder> Encoders => encoders;

    /// <summary>Scores: log-mel statistics, untrained network, then one a strategy.</summary>
    public IReadOnlyList<DemoScores> Scores => scores;

    /// <summary>Seconds to fetch and assemble the tasks.</summary>
    public double AssemblySeconds { get; private set; }

    /// <summary>Does everything; the caller disposes the result.</summary>
    /// <param name="recipe">What to do.</param>
    /// <param name="dataFolder">Where assembled audio is kept.</param>
    /// <param name="runFolders">Where the two run folders go.</param>
    /// <param name="progress">The bar.</param>
    /// <param name="cancellation">Stops the demo.</param>
    public static DemoRun Do(DemoRecipe recipe, string dataFolder, string runFolders, DemoProgress progress, CancellationToken cancellation)
    {
        var run = new DemoRun(recipe, progress, cancellation);
        try
        {
            string pool = run.Assemble(dataFolder);
            run.Train(pool, runFolders);
            run.Probe();
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (DemoEncoder encoder in encoders)
            encoder.Dispose();
    }

    private string Assemble(string dataFolder)
    {
        progress.Stage("fetching and assembling three tasks of real audio", Recipe.AssemblySeconds);
        long begin = Stopwatch.GetTimestamp();
        int parts = DemoRecipe.Tasks.Count + 1, part = 0;
        var assembler = new TaskAssembler(dataFolder, new Relay<WorkProgress>(told =>
            progress.At((part + told.Share) / parts, $"assembling real audio: {told.What}")));
        var assembled = new List<AssembledTask>();
        for (; part < DemoRecipe.Tasks.Count; part++)
        {
            cancellation.ThrowIfCancellationRequested();
            assembled.Add(assembler.Assemble(KnownTasks.Find(DemoRecipe.Tasks[part]), cancellation));
        }
        string pool = assembler.AssemblePretrainingPool(assembled, cancellation: cancellation).CsvPath;
        Assembled = assembled;
        LogMelSettings logMel = Recipe.Pretraining.LogMel;
        Tasks = [.. assembled.Select(task => new TaskClips(LabelledTask.Read(task.CsvPath), logMel, TaskClips.UnitOf(Recipe.Pretraining.Geometry, logMel)))];
        AssemblySeconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        return pool;
    }

    private void Train(string pool, string runFolders)
    {
        foreach (string mask in DemoRecipe.Masks)
        {
            progress.Stage($"pre-training with {mask} masking", Recipe.PretrainingSeconds);
            PretrainingConfig config = Recipe.Pretraining with { Data = pool, Mask = mask };
            encoders.Add(DemoEncoder.Train(config, Path.Combine(runFolders, mask), progress, cancellation));
        }
    }

    private void Probe()
    {
        Probe(new LogMelStatistics(Recipe.Pretraining.Geometry.Bands, new Device(Recipe.Pretraining.Device)), "mean and deviation of each mel band over time", Recipe.StatisticsSeconds);
        using (EncoderSnapshot untrained = encoders[0].Snapshot().Untrained(Recipe.Pretraining.Seed))
            Probe(new EncoderEmbedding(untrained, "untrained"), "the same network with its first, random weights", Recipe.ProbeSeconds);
        foreach (DemoEncoder encoder in encoders)
        {
            using EncoderSnapshot snapshot = encoder.Snapshot();
            Probe(new EncoderEmbedding(snapshot, encoder.Mask), $"pre-trained with {encoder.Mask} masking", Recipe.ProbeSeconds);
        }
    }

    private void Probe(IClipEmbedding embedding, string what, double expectedSeconds)
    {
        progress.Stage($"probing {embedding.Name}", expectedSeconds);
        long begin = Stopwatch.GetTimestamp();
        var results = new List<ProbeResult>();
        foreach (TaskClips task in Tasks)
        {
            cancellation.ThrowIfCancellationRequested();
            double share = (double)results.Count / Tasks.Count;
            progress.At(share, $"probing {embedding.Name} on {task.Task.Name}");
            EmbeddedTask embedded = EmbeddedTask.Embed(task, embedding, cancellation: cancellation);
            results.Add(LinearProbe.Run(embedded, ProbeMode.Tuned, Recipe.ProbeSeeds, new Relay<WorkProgress>(told => progress.At(share + told.Share / Tasks.Count)), cancellation));
        }
        scores.Add(new DemoScores(embedding.Name, what, results, Stopwatch.GetElapsedTime(begin).TotalSeconds));
    }
}
