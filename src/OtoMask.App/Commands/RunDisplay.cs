using System.Globalization;
using OtoMask.App.Reports;
using OtoMask.Data;
using OtoMask.Models;
using OtoMask.Runs;
using Spectre.Console;

namespace OtoMask.App.Commands;

/// <summary>Shows a run as it goes: a live bar on a terminal, sparse plain lines elsewhere.</summary>
internal abstract class RunDisplay : ITrainingObserver
{
    private const int StepsOfSmoothing = 10; // more would lag behind what the report tells of a short run
    private double loss = double.NaN;

    /// <summary>Warnings so far, for the report.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Shows <paramref name="work"/> as it goes, then what it has to tell at the end; where disk or data fail, how to go on.</summary>
    /// <param name="verb">The command that goes on with a run.</param>
    /// <param name="work">Trains.</param>
    /// <param name="isQuiet">Whether another process shows it.</param>
    public static void Show(string verb, Func<RunDisplay, string> work, bool isQuiet = false)
    {
        try
        {
            if (isQuiet)
                work(new QuietDisplay());
            else
                Terminal.Tell(Terminal.IsLive ? LiveDisplay.Start(work) : work(new PlainDisplay()));
        }
        catch (RunInterruptedException error)
        {
            throw new IOException($"{error.Message}, go on from it with: otomask {verb} --resume {error.Folder.Path}", error);
        }
    }

    public abstract void Stage(string name);

    public abstract void Progress(double share);

    public void Choice(PrecisionChoice choice) => Line(choice.ToString());

    public virtual void Estimate(RunEstimate estimate)
    {
        string seconds = estimate.SecondsPerStep.ToString(estimate.SecondsPerStep < 0.1 ? "F3" : "F2", CultureInfo.InvariantCulture);
        Line(Text($"{estimate.Parameters / 1e6:F1} M parameters, {estimate.Steps} steps of about {seconds} s: about {Duration(estimate.Total)}, {estimate.PeakBytes / 1e9:F1} GB of memory")
            + (estimate.DevicePeakBytes is { } onDevice ? Text($", {onDevice / 1e9:F1} GB of the device's") : ""));
    }

    public void Step(StepRecord step, long totalSteps)
    {
        if (step.Applied)
            loss = double.IsNaN(loss) ? step.Loss : loss + (step.Loss - loss) / Math.Min(step.Step, StepsOfSmoothing);
        string hint = step.Hint is { } ratio ? Text($"  hint {ratio:F2}") : "";
        Training(step.Step, totalSteps, Text(
            $"epoch {step.Epoch + 1}  loss {loss:F4}  lr {step.LearningRate:0.0e+0}{hint}  {step.ClipsPerSecond:F0} clips/s  wait {step.DataWait:P0}"));
    }

    public void Evaluation(EvaluationRecord evaluation) => Line(Text($"after {evaluation.Epoch} epochs: {evaluation.Metric} {evaluation.Value:G4}"));

    public void Warning(string message)
    {
        Warnings.Add(message);
        Line($"warning: {Wording.Of(message)}", isWarning: true);
    }

    public void Note(string message) => Line(Wording.Of(message));

    public void End(RunSummary run) => RunReport.Write(run);

    /// <summary>What was left out, if anything was, and where it is listed.</summary>
    public void Note(BadFiles bad, int clips, RunFolder folder)
    {
        if (bad.Summary(clips) is { } summary)
            Line($"{summary}; {folder.BadFiles} lists them");
    }

    /// <summary>Shows that <paramref name="done"/> of <paramref name="all"/> steps are done.</summary>
    protected abstract void Training(long done, long all, string state);

    /// <summary>A line that stays.</summary>
    protected abstract void Line(string text, bool isWarning = false);

    private static string Duration(TimeSpan time) => time switch
    {
        { TotalDays: >= 2 } => Text($"{time.TotalDays:F1} days"),
        { TotalHours: >= 2 } => Text($"{time.TotalHours:F1} hours"),
        { TotalMinutes: >= 2 } => Text($"{time.TotalMinutes:F0} minutes"),
        { TotalSeconds: < 1.5 } => "a second",
        _ => Text($"{time.TotalSeconds:F0} seconds"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>One bar with what matters beside it, warnings and evaluations as lines above it.</summary>
    private sealed class LiveDisplay(ProgressContext context) : RunDisplay
    {
        private const int WideTerminal = 110, NarrowBar = 8;
        private static readonly bool IsWide = AnsiConsole.Profile.Width >= WideTerminal;
        private ProgressTask? preparation, steps;

        public static T Start<T>(Func<RunDisplay, T> work) => AnsiConsole.Progress()
            .AutoRefresh(true)
            .HideCompleted(false)
            .Columns(IsWide
                ? [Description, new ProgressBarColumn { Width = AnsiConsole.Profile.Width - WideTerminal + 3 * NarrowBar }, new PercentageColumn(), new RemainingTimeColumn()]
                : [Description, new ProgressBarColumn { Width = NarrowBar }, new RemainingTimeColumn()])
            .Start(context => work(new LiveDisplay(context)));

        private static TaskDescriptionColumn Description => new() { Alignment = Justify.Left };

        public override void Stage(string name)
        {
            FinishPreparation();
            preparation = context.AddTask(Terminal.AsText(name), autoStart: true, maxValue: 1);
        }

        public override void Progress(double share) => preparation!.Value = share;

        public override void Estimate(RunEstimate estimate)
        {
            FinishPreparation();
            base.Estimate(estimate);
        }

        protected override void Training(long done, long all, string state)
        {
            FinishPreparation();
            steps ??= context.AddTask("training", autoStart: true, maxValue: all);
            // 80 columns hold the state, a short bar and the time left, but only just.
            (steps.Value, steps.Description) = (done, IsWide ? state : state.Replace("  ", " ").Replace(" clips/s", "/s").Replace(" %", "%"));
        }

        protected override void Line(string text, bool isWarning = false)
        {
            if (isWarning)
                Terminal.TellMarked($"[bold red]{text}[/]");
            else
                Terminal.TellMarked($"{text}");
        }

        private void FinishPreparation()
        {
            if (preparation is not null)
                preparation.Value = preparation.MaxValue;
        }
    }

    /// <summary>Where another process speaks for all.</summary>
    private sealed class QuietDisplay : RunDisplay
    {
        public override void Stage(string name)
        {
        }

        public override void Progress(double share)
        {
        }

        protected override void Training(long done, long all, string state)
        {
        }

        protected override void Line(string text, bool isWarning = false)
        {
        }
    }

    /// <summary>For logs and pipes: a line for each stage, and one every twentieth of the way or every few minutes.</summary>
    private sealed class PlainDisplay : RunDisplay
    {
        private const int Lines = 20;
        private static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(5);
        private DateTime lastLine = DateTime.MinValue;
        private long lastPart = -1;

        public override void Stage(string name) => Line(name);

        public override void Progress(double share)
        {
        }

        protected override void Training(long done, long all, string state)
        {
            long part = done * Lines / all;
            if (part == lastPart && DateTime.UtcNow - lastLine < LongestSilence)
                return;
            (lastPart, lastLine) = (part, DateTime.UtcNow);
            Line($"step {done} of {all}  {state}");
        }

        protected override void Line(string text, bool isWarning = false) => Terminal.Tell(text);
    }
}
