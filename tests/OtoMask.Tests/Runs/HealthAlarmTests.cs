using OtoMask.Evaluation;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Tests.Pretraining;
using OtoMask.Weights;

namespace OtoMask.Tests.Runs;

/// <summary>docs/method.md section 9: collapse shows as RankMe falling towards 1 and CEV-AUC rising towards 1 while the loss looks fine.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class HealthAlarmTests
{
    private readonly RecordingObserver observer = new();

    [Theory]
    [InlineData(100, 60, false)]
    [InlineData(100, 12, false)]
    [InlineData(100, 9, true)]
    [InlineData(7, 4, false)]
    [InlineData(7, 1.1, true)] // narrow networks begin so low that a tenth of it is never reached
    public void It_rings_when_RankMe_has_fallen_nearly_to_1(double first, double later, bool rings)
    {
        Tell(new HealthAlarm(observer, firstRank: null), "rankme", first, later);
        Assert.Equal(rings, observer.Warnings.Count == 1);
    }

    [Theory]
    [InlineData(0.97, false)]
    [InlineData(0.995, true)]
    public void It_rings_when_CEV_AUC_has_risen_nearly_to_1(double value, bool rings)
    {
        Tell(new HealthAlarm(observer, firstRank: null), "cev_auc", 0.7, value);
        Assert.Equal(rings, observer.Warnings.Count == 1);
    }

    [Fact]
    public void It_says_what_was_seen_and_what_to_try()
    {
        Tell(new HealthAlarm(observer, firstRank: null), "rankme", 80, 2);
        Assert.All(
            (string[])["collapsing after 2 epochs", "RankMe fell from 80.0 to 2.0", "`base-lr`", "`ema-start`", "`framework` msm-mae"],
            part => Assert.Contains(part, observer.Warnings[0]));
    }

    [Fact]
    public void A_resumed_run_remembers_how_it_began()
    {
        Tell(new HealthAlarm(observer, firstRank: 80), "rankme", 2);
        Assert.Contains("from 80.0 to 2.0", Assert.Single(observer.Warnings));
    }

    [Fact]
    public void It_rings_in_a_run_whose_encoder_collapses_also_after_a_resume()
    {
        using var data = new TrainingFolder();
        RunFolder run = data.NewRun("run");
        using (TrainingSetup setup = TrainingSetup.Begin(data.Config with { EvaluateEvery = 1 }, observer))
        using (var trainer = new Trainer(run, setup, observer))
            trainer.Run(stopAt: 1, HealthOf(setup));
        Assert.Empty(observer.Warnings);

        Checkpoint from = Checkpoint.Read(run.Path);
        TrainingSetup resumed = null!;
        var collapsing = new RecordingObserver
        {
            OnStep = step =>
            {
                if (step.Step == 6) // the last of its epoch: every token is the same now
                    resumed.Model.Trained.Values.Memory().Clear();
            },
        };
        using (resumed = TrainingSetup.Resume(from, from.State.ParsedConfig, _ => { }, collapsing))
        using (var trainer = new Trainer(run, resumed, collapsing))
            trainer.Run(stopAt: 2, HealthOf(resumed));
        Assert.Contains(collapsing.Warnings, warning => warning.Contains("RankMe fell from"));
        Assert.Contains(collapsing.Warnings, warning => warning.Contains("CEV-AUC rose to 1.000"));
    }

    private static IReadOnlyList<IEvaluation> HealthOf(TrainingSetup setup) =>
        [HealthEvaluation.OnCropsOf(setup.Source, setup.Config.Geometry, setup.Config.Seed, setup.Config.ShortClips, setup.BadFiles)];

    private static void Tell(HealthAlarm alarm, string metric, params double[] values)
    {
        foreach ((int epoch, double value) in values.Index())
            alarm.Look(new EvaluationRecord(epoch + 1, epoch + 1, metric, value));
    }
}
