using System.Globalization;
using OtoMask.Pretraining;
using Spectre.Console;

namespace OtoMask.App.Commands;

/// <summary>The live display of a run: one bar with what matters beside it, warnings and evaluations as lines above it.</summary>
internal sealed class PretrainDisplay : ITrainingObserver
{
    private const int StepsOfSmoothing = 50;
    private readonly ProgressContext context;
    private ProgressTask? preparation, steps;
    private double loss = double.NaN;

    private PretrainDisplay(ProgressContext context) => this.context = context;

    /// <summary>Warnings so far, for the report.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Shows <paramref name="work"/> as it goes.</summary>
    public static T Show<T>(Func<PretrainDisplay, T> work) => AnsiConsole.Progress()
        .AutoRefresh(true)
        .HideCompleted(false)
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
        .Start(context => work(new PretrainDisplay(context)));

    public void Stage(string name)
    {
        Finish(preparation);
        preparation = context.AddTask(name, autoStart: true, maxValue: 1);
    }

    public void Progress(double share)
    {
        if (preparation is not null)
            preparation.Value = share;
    }

    public void Estimate(RunEstimate estimate)
    {
        Finish(preparation);
        string seconds = estimate.SecondsPerStep.ToString(estimate.SecondsPerStep < 0.1 ? "F3" : "F2", CultureInfo.InvariantCulture);
        Line($"{estimate.Parameters / 1e6:F1} M parameters, {estimate.Steps} steps of about {seconds} s: about [bold]{Duration(estimate.Total)}[/], {estimate.PeakBytes / 1e9:F1} GB of memory");
    }

    public void Step(StepRecord step, long totalSteps)
    {
        steps ??= context.AddTask("training", autoStart: true, maxValue: totalSteps);
        if (step.Applied)
            loss = double.IsNaN(loss) ? step.Loss : loss + (step.Loss - loss) / Math.Min(step.Step, StepsOfSmoothing);
        steps.Value = step.Step;
        steps.Description = string.Create(CultureInfo.InvariantCulture,
            $"epoch {step.Epoch + 1}  loss {loss:F4}  lr {step.LearningRate:0.0e+0}  hint {step.Hint:F2}  {step.ClipsPerSecond:F0} clips/s  wait {step.DataWait:P0}");
    }

    public void Evaluation(EvaluationRecord evaluation) =>
        Line(string.Create(CultureInfo.InvariantCulture, $"[grey]after {evaluation.Epoch} epochs:[/] {Markup.Escape(evaluation.Metric)} {evaluation.Value:G4}"));

    public void Warning(string message)
    {
        Warnings.Add(message);
        Line($"[bold red]warning:[/] {Markup.Escape(message)}");
    }

    internal static string Duration(TimeSpan time) => time switch
    {
        { TotalDays: >= 2 } => $"{time.TotalDays:F1} days",
        { TotalHours: >= 2 } => $"{time.TotalHours:F1} hours",
        { TotalMinutes: >= 2 } => $"{time.TotalMinutes:F0} minutes",
        _ => $"{time.TotalSeconds:F0} seconds",
    };

    private static void Line(string markup) => AnsiConsole.MarkupLine(markup);

    private static void Finish(ProgressTask? task)
    {
        if (task is not null)
            task.Value = task.MaxValue;
    }
}
