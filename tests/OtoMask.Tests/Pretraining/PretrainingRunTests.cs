using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Pretraining;
using OtoMask.Randomness;
using OtoMask.Runs;

namespace OtoMask.Tests.Pretraining;

/// <summary>The front door of a training.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class PretrainingRunTests : IDisposable
{
    private readonly TrainingFolder data = new();

    public void Dispose() => data.Dispose();

    [Fact]
    public void A_run_that_is_stopped_and_resumed_ends_like_one_that_is_not()
    {
        using (PretrainingRun whole = PretrainingRun.Begin(Inside("whole"), data.Config))
            Assert.Equal(TrainingEnd.Finished, whole.Train());
        using (PretrainingRun first = PretrainingRun.Begin(Inside("run"), data.Config))
        {
            Assert.Equal(TrainingEnd.Stopped, first.Train(stopAt: 1));
            Assert.InRange(first.StepsDone, 1, first.TotalSteps - 1);
        }
        using (PretrainingRun second = PretrainingRun.Resume(Inside("run")))
            Assert.Equal(TrainingEnd.Finished, second.Train());
        SameRun.AssertSame(new RunFolder(Inside("whole")), new RunFolder(Inside("run")));
        Assert.Contains("\"final_loss\"", File.ReadAllText(new RunFolder(Inside("run")).Metrics));
    }

    [Fact]
    public void A_change_that_changes_results_is_refused_unless_it_is_accepted()
    {
        using (PretrainingRun run = PretrainingRun.Begin(Inside("run"), data.Config))
            run.Train(stopAt: 1);
        PretrainingConfig Other(PretrainingConfig config) => config with { BaseLearningRate = 0.01 };
        UserErrorException refused = Assert.Throws<UserErrorException>(() => PretrainingRun.Resume(Inside("run"), Other));
        Assert.Contains("base-lr 0.05 -> 0.01", refused.Message);
        using PretrainingRun changed = PretrainingRun.Resume(Inside("run"), Other, (_, _) => { }); // and the folder is free again
        Assert.Equal(TrainingEnd.Finished, changed.Train());
    }

    [Fact]
    public void Clips_of_a_programs_own_are_trained_on()
    {
        var clips = new Chirps(LogMelSettings.Default);
        using PretrainingRun run = PretrainingRun.Begin(Inside("run"), data.Config with { Data = "chirps", EvaluateEvery = 4 }, source: clips);
        run.Train();
        Assert.True(clips.CropsRead > 0);
        Assert.Equal(8, run.Clips.Count);
        Assert.Contains("rankme", File.ReadAllText(run.Folder.Metrics));
    }

    [Fact]
    public void What_ends_is_told_with_its_warnings()
    {
        File.WriteAllText(Path.Combine(data.Audio, "broken.wav"), "no audio");
        var observer = new EndObserver();
        using PretrainingRun run = PretrainingRun.Begin(Inside("run"), data.Config, observer);
        run.Train();
        Assert.Equal(Inside("run"), observer.End!.Folder.Path);
        Assert.Contains(observer.End.Warnings, warning => warning.Contains("1 of 13"));
        Assert.Equal(run.TotalSteps, observer.End.Log.Steps[^1].Step);
        Assert.Contains("m2d 16/1/2, dwm masking of 80x96 input", observer.End.What);
    }

    [Fact]
    public void Clips_are_closed_where_no_run_comes_of_them()
    {
        PretrainingConfig config = data.Config with { Data = "chirps" };
        Action<Chirps>[] attempts =
        [
            clips => PretrainingRun.Begin(Inside("run"), config with { Batch = 0 }, source: clips),
            clips => PretrainingRun.Begin(Inside("run"), config with { Task = Inside("none.csv") }, source: clips),
            clips => PretrainingRun.Begin(Inside("run"), config, source: clips, cancellation: new CancellationToken(canceled: true)),
            clips => PretrainingRun.Begin(Inside("run"), config with { Noise = Inside("none") }, source: clips),
            clips => PretrainingRun.Resume(Inside("run"), source: clips),
        ];
        foreach (Action<Chirps> attempt in attempts)
        {
            var clips = new Chirps(LogMelSettings.Default);
            Assert.ThrowsAny<Exception>(() => attempt(clips));
            Assert.True(clips.IsClosed);
        }
    }

    [Fact]
    public void What_a_failed_beginning_has_opened_itself_is_closed()
    {
        PretrainingConfig config = data.Config with { Data = Inside("cache") };
        using (ClipSource clips = ClipSource.Open(data.Audio, new ClipSourceOptions(LogMelSettings.Default)))
            LogMelCache.Prepare(clips.Clips, LogMelSettings.Default, config.Data);
        Assert.Throws<UserErrorException>(() => PretrainingRun.Begin(Inside("run"), config with { Noise = Inside("none") }));
        Assert.ThrowsAny<OperationCanceledException>(() => PretrainingRun.Begin(Inside("run"), config, cancellation: new CancellationToken(canceled: true)));
        Assert.DoesNotContain(Directory.GetFiles("/proc/self/fd").Select(file => new FileInfo(file).LinkTarget), file => file?.StartsWith(config.Data, StringComparison.Ordinal) ?? false);
    }

    private string Inside(string name) => Path.Combine(data.Path, name);

    private sealed class EndObserver : ITrainingObserver
    {
        public RunSummary? End { get; private set; }

        void ITrainingObserver.End(RunSummary run) => End = run;
    }

    /// <summary>Log-mels that no file holds.</summary>
    private sealed class Chirps(LogMelSettings settings) : ClipSource(new ClipList([.. Enumerable.Range(0, 8).Select(clip => new Clip($"chirp {clip}", "", 0))]), settings)
    {
        public int CropsRead;

        public bool IsClosed { get; private set; }

        public override void Dispose()
        {
            IsClosed = true;
            base.Dispose();
        }

        protected override void ReadAnyCrop(int clip, RandomStream crop, int frames, ShortClips shortClips, Span<float> window)
        {
            Interlocked.Increment(ref CropsRead);
            for (int i = 0; i < window.Length; i++)
                window[i] = -7 + MathF.Sin(i * 0.01f * (clip + 1)) + 0.1f * (float)crop.NextNormal();
        }
    }
}
