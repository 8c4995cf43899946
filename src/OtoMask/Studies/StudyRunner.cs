using System.Diagnostics;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Torch;

namespace OtoMask.Studies;

/// <summary>
/// Runs a study into its folder. What is finished is on the disk and not done again: a run goes on from its newest checkpoint, the
/// rows of a task are written at once. So a study that was stopped anywhere ends with the same rows as one that was not.
/// </summary>
/// <param name="plan">What to do.</param>
/// <param name="folder">Where.</param>
/// <param name="costs">Measures what arms cost.</param>
/// <param name="observer">Is told how it goes.</param>
public sealed class StudyRunner(StudyPlan plan, StudyFolder folder, IStudyCosts costs, IStudyObserver observer)
{
    private const int CostRounds = 3;
    private readonly Dictionary<string, TaskClips> clipsOfTask = [];
    private StudyCell[] cells = [];
    private StudyWork work = new([], [], 0);

    /// <summary>Checks, before anything in a folder is changed, that it holds no scores of something else.</summary>
    /// <exception cref="UserErrorException">The folder holds scores of another configuration or of other data, or scores that contradict each other.</exception>
    internal static void RequireOwnScores(StudyPlan plan, StudyFolder folder) =>
        _ = new FinishedRows(folder, plan, plan.Cells(JsonLines.Read<StudyCost>(folder.Costs)));

    /// <summary>This process's place at work, where others share it; null = the caller keeps them out.</summary>
    internal StudyHold? Hold { get; init; }

    /// <summary>Does whatever is not done yet; among workers, until all of them have done all.</summary>
    /// <exception cref="UserErrorException">As <see cref="RequireOwnScores"/>; or it holds such a run.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the same call goes on where it stopped.</exception>
    public void Run(CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder.Path);
        StudyCell[] left;
        string? data = null;
        using (Turn(cancellation))
        {
            plan = plan.By(ChooseWhoComputes(cancellation));
            IReadOnlyList<StudyCost> measured = MeasureCosts(cancellation);
            cells = [.. plan.Cells(measured)];
            work = new StudyWork(cells, measured, plan.Tasks.Count);
            var finished = new FinishedRows(folder, plan, cells);
            left = [.. cells.Where(cell => TasksLeft(cell, finished).Length > 0)];
            if (left.Length > 0)
                data = PrepareCache(left[0].Config, cancellation);
        }
        for (int told = 0; left.Length > 0;)
        {
            StudyCell[] others = [.. left.Where(cell => !DoneHere(cell, data!, cancellation))];
            if (others.Length == left.Length)
            {
                if (others.Length != told)
                    observer.Note($"waiting for other workers, which are at work on the last {((told = others.Length) == 1 ? "run" : $"{told} runs")}");
                cancellation.WaitHandle.WaitOne(StudyHold.Pause);
            }
            left = others;
        }
        observer.Overall(1);
    }

    /// <summary>Does what is left of a cell.</summary>
    /// <returns>False where another worker is at it: if that dies, it is to be done here after all.</returns>
    private bool DoneHere(StudyCell cell, string data, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (Hold is null)
            Do(cell, data, cancellation);
        else if (Hold.TryClaim(cell, out IDisposable? claim))
        {
            using (claim)
                Do(cell, data, cancellation);
        }
        else
            return false;
        return true;
    }

    private void Do(StudyCell cell, string data, CancellationToken cancellation)
    {
        var finished = new FinishedRows(folder, plan, cells);
        int done = cells.Count(one => TasksLeft(one, finished).Length == 0);
        observer.Overall(work.Share(done, current: null, 0, 0));
        StudyTask[] tasks = TasksLeft(cell, finished);
        if (tasks.Length == 0)
            return; // another worker has finished it meanwhile
        observer.Begin(cell, Array.IndexOf(cells, cell) + 1, cells.Length);
        StudyCell onCache = cell with { Config = cell.Config with { Data = data } };
        if (cell.IsTrained)
        {
            using PretrainingRun run = Train(onCache, done, cancellation);
            Probe(run.Snapshot(), cell, done, tasks, cancellation);
        }
        else
        {
            using TrainingSetup untrained = TrainingSetup.Begin(onCache.Config, observer, cancellation: cancellation);
            Probe(untrained.Snapshot(), cell, done, tasks, cancellation);
        }
    }

    private StudyTask[] TasksLeft(StudyCell cell, FinishedRows finished) => [.. plan.Tasks.Where(task => !finished.Has(cell, task))];

    private IDisposable? Turn(CancellationToken cancellation) => Hold?.Turn(observer.Stage, cancellation);

    /// <summary>Who computes bfloat16 in the runs that leave it open, where two can: by one measurement, which stays with the study, for runs that differ in it are not comparable.</summary>
    private Bf16By? ChooseWhoComputes(CancellationToken cancellation)
    {
        if (plan.CellsToCost.FirstOrDefault(cell => cell.Config is { Precision: Precision.Bf16, Bf16By: null }) is not { } open)
            return null;
        PretrainingConfig config = open.Config;
        Device device = Devices.Find(config.Device);
        return Bf16Choice.For(null, config.Precision, device, Choose, observer.Note);

        Bf16Choice Choose()
        {
            if (JsonLines.Read<Bf16Choice>(folder.Bf16Choice) is [var known, ..])
                return known;
            config.RequireMemory();
            observer.Stage("timing bf16 by the kernels and by ATen");
            using MaskedModel model = config.Framework.CreateModel(config.ModelShape, config.Seed, device);
            model.CheckpointActivations = config.CheckpointActivations;
            Bf16Choice choice = config.TimeBf16(model, cancellation);
            JsonLines.Append(folder.Bf16Choice, [choice]);
            return choice;
        }
    }

    /// <summary>Costs of every arm, measured in rounds so that what else the machine does meets all of them.</summary>
    private IReadOnlyList<StudyCost> MeasureCosts(CancellationToken cancellation)
    {
        IReadOnlyList<StudyCost> known = JsonLines.Read<StudyCost>(folder.Costs);
        StudyCell[] missing = [.. plan.CellsToCost.Where(cell => known.All(cost => (cost.Framework, cost.Arm) != (cell.Framework, cell.Arm)))];
        if (missing.Length == 0)
            return known;
        observer.Stage($"measuring what {missing.Length} arms cost");
        var rounds = new List<StudyCost>();
        for (int i = 0; i < CostRounds * missing.Length; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            rounds.Add(costs.Measure(missing[i % missing.Length], cancellation));
            observer.Progress((i + 1.0) / (CostRounds * missing.Length));
        }
        JsonLines.Append(folder.Costs, rounds.GroupBy(cost => (cost.Framework, cost.Arm)).Select(arm => arm.OrderBy(cost => cost.StepMs).ElementAt(CostRounds / 2)));
        return JsonLines.Read<StudyCost>(folder.Costs);
    }

    /// <summary>The pool's log-mels, once for all runs; a cache or a folder of arrays is taken as it is.</summary>
    private string PrepareCache(PretrainingConfig config, CancellationToken cancellation)
    {
        if (LogMelCache.IsCache(plan.Data))
            return plan.Data;
        observer.Stage("computing the log-mels of the pool");
        using ClipSource source = ClipSource.Open(plan.Data, new ClipSourceOptions(config.LogMel));
        LogMelCache.Prepare(source.Clips, config.LogMel, folder.Cache, workers: 0, new Relay<WorkProgress>(told => observer.Progress(told.Share)), cancellation);
        return folder.Cache;
    }

    /// <summary>The cell's run, trained to its end, in a folder like any other's.</summary>
    private PretrainingRun Train(StudyCell cell, int number, CancellationToken cancellation)
    {
        RunFolder folderOfRun = folder.RunOf(cell);
        var relay = new StepsOf(observer, step => observer.Overall(work.Share(number, cell, step, 0)));
        LabelledTask[] followed = [.. plan.Tasks.Where(task => plan.Config.Follow.Contains(task.Name)).Select(task => task.Task)];
        PretrainingRun run = folderOfRun.Checkpoints.Count > 0
            ? PretrainingRun.Resume(folderOfRun.Path, _ => cell.Config, (_, changes) => RefuseOther(folderOfRun, changes), relay, cancellation: cancellation)
            : PretrainingRun.Begin(folderOfRun.Path, cell.Config, relay, cancellation: cancellation);
        try
        {
            run.Follow = followed;
            run.Train(cancellation: cancellation);
            cancellation.ThrowIfCancellationRequested();
            return run;
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>A run may go on on another device, or by what another processor is fast with, as studies do on another machine; anything else is another run.</summary>
    internal static void RefuseOther(RunFolder run, IReadOnlyList<ConfigChange> changes)
    {
        ConfigChange[] others = [.. changes.Where(change => change.Key is not ("device" or "bf16-by"))];
        if (others.Length > 0)
            throw new UserErrorException($"{run.Path} holds a run of another configuration or of other data ({string.Join(", ", others.AsEnumerable())}); choose another `folder`, or remove that folder");
    }

    private void Probe(EncoderSnapshot encoder, StudyCell cell, int number, StudyTask[] tasks, CancellationToken cancellation)
    {
        int before = plan.Tasks.Count - tasks.Length;
        foreach ((int done, StudyTask task) in tasks.Index())
        {
            cancellation.ThrowIfCancellationRequested();
            observer.Stage($"probing {task.Name}");
            long begin = Stopwatch.GetTimestamp();
            TaskClips clips = ClipsOf(task, encoder);
            EmbeddedTask embedded = EmbeddedTask.Embed(clips, new EncoderEmbedding(encoder, cell.Name), cancellation: cancellation);
            var progress = new Relay<WorkProgress>(told => observer.Progress(told.Share));
            ProbeResult probe = LinearProbe.Run(embedded, plan.Config.Probe, plan.Config.ProbeSeeds, progress, cancellation);
            var scores = new EmbeddingScores(
                probe, NearestNeighbours.Score(embedded), [.. plan.Config.Shots.Select(shots => PrototypeProbe.Run(embedded, shots, cancellation: cancellation))],
                plan.Config.Attentive ? AttentiveProbe.Run(clips, encoder, cell.Name, plan.Config.ProbeSeeds, progress, cancellation) : null);
            double? fineTuned = plan.Config.FineTuning is null ? null : new StudyFineTuning(plan, folder, observer).Score(encoder, cell, task, cancellation);
            IEnumerable<StudyRow> rows = StudyScores.Rows(plan, cell, task, scores, fineTuned);
            using (Turn(cancellation))
                FinishedRows.Write(folder, cell, task, rows, task.Task.IsMultiLabel ? null : StudyScores.Confusion(cell, probe));
            work.Probed(Stopwatch.GetElapsedTime(begin).TotalSeconds);
            observer.Scored(cell, task.Name, probe.Runs.Average(run => run.Score));
            observer.Overall(work.Share(number, cell, cell.Steps, before + done + 1));
        }
    }

    /// <summary>The log-mels of a task's clips, kept from cell to cell.</summary>
    private TaskClips ClipsOf(StudyTask task, EncoderSnapshot encoder)
    {
        int unit = TaskClips.UnitOf(encoder, task.Seconds);
        if (!clipsOfTask.TryGetValue(task.Name, out TaskClips? clips) || clips.UnitSamples != unit || clips.LogMel != encoder.LogMel)
            clipsOfTask[task.Name] = clips = new TaskClips(task.Task, encoder.LogMel, unit);
        return clips;
    }

    /// <summary>Tells besides how far a run is.</summary>
    private sealed class StepsOf(IStudyObserver observer, Action<long> tell) : ObserverRelay(observer)
    {
        public override void Step(StepRecord step, long totalSteps)
        {
            base.Step(step, totalSteps);
            tell(step.Step);
        }
    }
}
