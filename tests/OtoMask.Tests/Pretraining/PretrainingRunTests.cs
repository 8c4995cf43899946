using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Models;
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
    public void The_loss_on_held_out_clips_falls_and_changes_nothing()
    {
        using var heldOut = new TrainingFolder(clips: 7); // the batches are of 4
        PretrainingConfig config = data.Config with { EvaluateEvery = 1, Epochs = 12 };
        using (PretrainingRun plain = PretrainingRun.Begin(Inside("plain"), config))
            plain.Train();
        using (PretrainingRun first = PretrainingRun.Begin(Inside("run"), config with { Valid = heldOut.Audio }))
            first.Train(stopAt: 5);
        using (PretrainingRun second = PretrainingRun.Resume(Inside("run")))
            second.Train();
        double[] losses = [.. RunLog.Read(new RunFolder(Inside("run")).Log).Evaluations.Where(row => row.Metric == "valid_loss").Select(row => row.Value)];
        Assert.Equal(13, losses.Length); // before the first epoch, and after each
        Assert.True(losses[^1] < 0.8 * losses[0], string.Join(" ", losses));
        string[] others = [.. SameRun.Rows(new RunFolder(Inside("run"))).Where(row => !row.Contains("valid"))];
        Assert.Equal(SameRun.Rows(new RunFolder(Inside("plain"))), others);
    }

    [Theory]
    [InlineData("dwm", "m2d")]
    [InlineData("sgim", "m2d")]
    [InlineData("inverse-block", "eat")]
    public void The_loss_on_held_out_clips_is_measured_with_any_strategy(string mask, string framework)
    {
        using var heldOut = new TrainingFolder(clips: 1);
        var noise = new TrainingFolder(clips: 2);
        using (noise)
        {
            using PretrainingRun run = PretrainingRun.Begin(Inside("run"), data.Config with
            {
                Framework = KnownFrameworks.All.Single(known => known.Name == framework),
                Decoder = new(16, 1, 2),
                Mask = mask,
                MaskRatio = 0.7,
                Clones = 3,
                Epochs = 1,
                EvaluateEvery = 1,
                Valid = heldOut.Audio,
                Noise = noise.Audio,
            });
            run.Train();
            Assert.Equal(2, RunLog.Read(run.Folder.Log).Evaluations.Count(row => row.Metric == "valid_loss" && double.IsFinite(row.Value)));
        }
    }

    [Fact]
    public void Clips_that_are_learnt_from_are_not_held_out()
    {
        string some = Directory.CreateDirectory(Path.Combine(data.Audio, "some")).FullName;
        File.Copy(Path.Combine(data.Audio, "clip00.wav"), Path.Combine(some, "0.wav"));
        UserErrorException refused = Assert.Throws<UserErrorException>(() => PretrainingRun.Begin(Inside("run"), data.Config with { Valid = some, EvaluateEvery = 1 }));
        Assert.Contains($"1 of the 1 clips of valid {some} are among those of data", refused.Message);
        PretrainingRun.Begin(Inside("run"), data.Config with { Valid = some, EvaluateEvery = 0 }).Dispose(); // nobody looks at them
    }

    [Fact]
    public void What_ends_is_told_with_its_warnings()
    {
        File.WriteAllText(Path.Combine(data.Audio, "broken.wav"), "no audio");
        var observer = new EndObserver();
        using (PretrainingRun run = PretrainingRun.Begin(Inside("run"), data.Config, observer))
        {
            run.Train();
            Assert.Equal(run.TotalSteps, observer.End!.Log.Steps[^1].Step);
        }
        Assert.Equal(Inside("run"), observer.End!.Folder.Path);
        Assert.Contains(observer.End.Warnings, warning => warning.Contains("1 of 13"));
        Assert.Contains("m2d 16/1/2, dwm masking of 80x96 input", observer.End.What);

        var later = new EndObserver();
        using (PretrainingRun run = PretrainingRun.Resume(Inside("run"), observer: later))
            run.Train();
        Assert.Equal(observer.End.Warnings, later.End!.Warnings); // another process, which itself has found nothing to warn of
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
