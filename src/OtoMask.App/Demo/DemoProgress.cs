using Spectre.Console;

namespace OtoMask.App.Demo;

/// <summary>
/// One bar for the whole demo. Every stage is worth the seconds it took when the recipe was made, so the rate at which the bar
/// moves is this machine's speed against that one, and the time left is told at that rate.
/// </summary>
internal sealed class DemoProgress
{
    private readonly ProgressTask bar;
    private double stageStart, stageSeconds;

    private DemoProgress(ProgressContext context, double expectedSeconds) => bar = context.AddTask("starting", maxValue: expectedSeconds);

    /// <summary>Runs <paramref name="work"/> under a bar of <paramref name="expectedSeconds"/>.</summary>
    public static T Show<T>(double expectedSeconds, Func<DemoProgress, T> work) => AnsiConsole.Progress()
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
        .Start(context => work(new DemoProgress(context, expectedSeconds)));

    /// <summary>Ends the stage before and begins one of <paramref name="seconds"/>.</summary>
    public void Stage(string name, double seconds)
    {
        stageStart += stageSeconds;
        stageSeconds = seconds;
        bar.Description = Terminal.AsText(name);
        bar.Value = stageStart;
    }

    /// <summary>How far the stage is, 0 .. 1, and what it is doing.</summary>
    public void At(double share, string? doing = null)
    {
        bar.Value = Math.Max(bar.Value, stageStart + Math.Clamp(share, 0, 1) * stageSeconds);
        if (doing is not null)
            bar.Description = Terminal.AsText(doing);
    }

    /// <summary>Everything is done.</summary>
    public void Finish() => bar.Value = bar.MaxValue;
}
