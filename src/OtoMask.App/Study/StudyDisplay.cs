using System.Diagnostics;
using System.Globalization;
using OtoMask.App.Reports;
using OtoMask.Runs;
using OtoMask.Studies;
using Spectre.Console;

namespace OtoMask.App.Study;

/// <summary>Shows a study as it goes: two bars on a terminal (the whole, and what it is at), plain lines elsewhere.</summary>
internal sealed class StudyDisplay : IStudyObserver
{
    private static readonly TimeSpan BetweenPlainLines = TimeSpan.FromMinutes(1);
    private readonly ProgressTask? whole, part;
    private readonly HashSet<string> noted = [];
    private double beginShare = double.NaN, share;
    private long begin, lastLine;
    private bool isWorking;
    private string cellName = "";

    private StudyDisplay(ProgressContext? context)
    {
        whole = context?.AddTask("study", maxValue: 1);
        part = context?.AddTask("beginning", maxValue: 1);
    }

    /// <summary>Shows <paramref name="work"/> as it goes.</summary>
    public static void Show(Action<StudyDisplay> work)
    {
        if (!Terminal.IsLive)
        {
            work(new StudyDisplay(context: null));
            return;
        }
        AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn())
            .Start(context => work(new StudyDisplay(context)));
    }

    public void Begin(StudyCell cell, int number, int all)
    {
        cellName = $"{cell.Framework}, {cell.Arm}, seed {cell.Seed}";
        Line($"run {number} of {all}: {cellName}");
    }

    public void Overall(double done)
    {
        share = done;
        if (isWorking && double.IsNaN(beginShare)) // what earlier sittings did took none of this one's time
            (begin, beginShare) = (Stopwatch.GetTimestamp(), done);
        if (whole is not null)
            (whole.Value, whole.Description) = (done, $"study, {Left()}");
    }

    public void Scored(StudyCell cell, string task, double score)
    {
        isWorking = true;
        Line(Text($"{cellName}: {task} {score:F1} %"));
    }

    public void Stage(string name)
    {
        if (part is not null)
            (part.Value, part.Description) = (0, Terminal.AsText(name));
    }

    public void Progress(double done)
    {
        if (part is not null)
            part.Value = done;
    }

    public void Step(StepRecord step, long totalSteps)
    {
        isWorking = true;
        if (part is not null)
            (part.Value, part.Description) = ((double)step.Step / totalSteps, Text($"step {step.Step} of {totalSteps}, loss {step.Loss:F3}, {step.ClipsPerSecond:F0} clips/s"));
        else if (Stopwatch.GetElapsedTime(lastLine) > BetweenPlainLines)
            Line(Text($"  step {step.Step} of {totalSteps}, loss {step.Loss:F3}, {step.ClipsPerSecond:F0} clips/s; study {share:P0}, {Left()}"));
    }

    public void Note(string message)
    {
        if (noted.Add(message)) // runs that begin alike say the same
            Line(Wording.Of(message));
    }

    public void Warning(string message) => Line($"warning: {Wording.Of(message)}");

    public void End(RunSummary run) => RunReport.Write(run);

    /// <summary>The time left, at the speed of this sitting.</summary>
    private string Left()
    {
        double done = share - beginShare;
        if (!(done > 1e-4)) // nor a number before the first work
            return "time left unknown";
        TimeSpan left = Stopwatch.GetElapsedTime(begin) * ((1 - share) / done);
        return left.TotalHours >= 1 ? Text($"{left.TotalHours:F1} hours left") : Text($"{Math.Ceiling(left.TotalMinutes):F0} minutes left");
    }

    private void Line(string text)
    {
        lastLine = Stopwatch.GetTimestamp();
        Terminal.TellMarked($"{text}");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
