using System.Globalization;
using OtoMask.Evaluation;

namespace OtoMask.Studies.Results;

/// <summary>A study's results as tables to paste: scores, paired differences, costs and significance, with their intervals.</summary>
public static class StudyTables
{
    private const string Nothing = "";

    /// <summary>The answers and all tables in Markdown (GitHub's).</summary>
    public static string Markdown(StudyResults results) => MarkdownText.Of(results, [.. Tables(results).Where(HasContent)]);

    /// <summary>All tables in LaTeX; the preamble needs <c>\usepackage{booktabs}</c>. The answers stand above them as comments.</summary>
    public static string Latex(StudyResults results) => LatexText.Of(results, [.. Tables(results).Where(HasContent)]);

    private static IEnumerable<StudyTable> Tables(StudyResults results)
    {
        foreach (FrameworkResults framework in results.Frameworks)
        {
            yield return Scores(results, framework, $"linear probe ({results.Config.LinearProbe})", arm => arm.Linear);
            yield return Differences(results, framework, results.Config.Baseline, arm => arm.Linear.ToBaseline);
            yield return Differences(results, framework, "the untrained network", arm => arm.Linear.ToUntrained);
            yield return Scores(results, framework, "nearest neighbours", arm => arm.Knn);
            yield return Differences(results, framework, $"{results.Config.Baseline}, nearest neighbours", arm => arm.Knn.ToBaseline);
            yield return Differences(results, framework, "the untrained network, nearest neighbours", arm => arm.Knn.ToUntrained);
            foreach ((int index, string probe) in results.Config.MoreProbes.Index())
            {
                yield return Scores(results, framework, TitleOf(probe), arm => arm.More[index].Scores);
                yield return Differences(results, framework, $"{results.Config.Baseline}, {TitleOf(probe)}", arm => arm.More[index].Scores.ToBaseline);
            }
            yield return Costs(framework);
        }
        yield return Significance(results);
    }

    private static string TitleOf(string probe) => probe == StudyRow.FineTuned ? probe : $"{probe} probe";

    private static bool HasContent(StudyTable table) => table.Rows.Any(row => row.Cells.Any(cell => cell.Text != Nothing));

    private static StudyTable Scores(StudyResults results, FrameworkResults framework, string probe, Func<ArmResults, ArmScores> scores) => ByScope(
        results, framework.Arms, $"{framework.Name}: scores in %, {probe}",
        $"Mean ± half the 95 % interval over the seeds of the pre-training (Student's t; {Seeds(results)}); probe seeds and tasks are averaged within a seed. "
        + "[n]: only n seeds; one seed has no interval.",
        arm => [.. scores(arm).Scores.Select(score => ScoreCell(score, results.Config.Seeds.Count))], columnsOfPage: 7);

    private static StudyTable Differences(StudyResults results, FrameworkResults framework, string reference, Func<ArmResults, IReadOnlyList<SeedEstimate?>> differences) => ByScope(
        results, [.. framework.Arms.Where(arm => arm.IsTrained && (arm.Name != framework.Baseline || differences(arm).Any(difference => difference is not null)))],
        $"{framework.Name}: points of difference from {reference}",
        "Paired by seed (same first weights, same crops in the same order), with the 95 % interval over seeds. Bold: the interval excludes zero, "
        + "one comparison at a time; of twenty such, one does so by chance.",
        arm => [.. differences(arm).Select(difference => DifferenceCell(difference, results.Config.Seeds.Count))], columnsOfPage: 4);

    /// <summary>A table with a row for each task, family and all, and a column for each arm.</summary>
    private static StudyTable ByScope(
        StudyResults results, IReadOnlyList<ArmResults> arms, string title, string note, Func<ArmResults, TableCell[]> cellsOf, int columnsOfPage)
    {
        TableCell[][] columns = [.. arms.Select(cellsOf)];
        IEnumerable<TableRow> rows = results.Scopes.Index().Select(item => new TableRow(
            NameOf(item.Item), [.. columns.Select(column => column[item.Index])],
            BeginsGroup: item.Index > 0 && results.Scopes[item.Index - 1].Kind != item.Item.Kind));
        return new StudyTable(title, note, [.. arms.Select(arm => arm.Name)], [.. rows], columnsOfPage);
    }

    private static StudyTable Costs(FrameworkResults framework) => new(
        $"{framework.Name}: costs",
        $"In brackets: times {framework.Baseline}. Masking: milliseconds a batch, that time as a share of a step's, and the share of the step that it holds up: "
        + "0 % where loader threads mask ahead of the step. Minutes: steps of a run times the milliseconds of a step, measured before the runs in a process of its own.",
        ["mask ms", "of a step", "held up", "step ms", "clips/s", "GFLOP/clip", "peak MB", "minutes"],
        [
            .. from arm in framework.Arms
               let cost = arm.Cost
               where cost is not null
               select new TableRow(arm.Name, [.. CostCells(framework, arm, cost).Select(text => new TableCell(text))]),
        ],
        ColumnsOfPage: 8);

    private static IEnumerable<string> CostCells(FrameworkResults framework, ArmResults arm, ArmCost cost)
    {
        string WithTimes(string format, Func<ArmCost, double> of) => framework.RelativeCost(arm, of) is { } times && arm.Name != framework.Baseline
            ? Text($"{of(cost).ToString(format, CultureInfo.InvariantCulture)} ({times.ToString(times < 10 ? "0.00" : "0", CultureInfo.InvariantCulture)})")
            : of(cost).ToString(format, CultureInfo.InvariantCulture);
        yield return WithTimes("0.00", own => own.Measured.MaskMs);
        yield return Text($"{100 * cost.MaskShare:0.0}%");
        yield return Text($"{100 * cost.MaskShareOfStep:0.0}%");
        yield return WithTimes("0.0", own => own.Measured.StepMs);
        yield return WithTimes("0", own => own.Measured.ClipsPerSecond);
        yield return WithTimes("0.000", own => own.Measured.GigaflopsPerClip);
        yield return WithTimes("0", own => own.Measured.PeakMegabytes);
        yield return WithTimes("0.0", own => own.RunMinutes);
    }

    private static StudyTable Significance(StudyResults results) => new(
        $"Overall differences from {results.Config.Baseline}", $"{StudyVerdict.Multiplicity(results)} Bold: p below 0.05 when so adjusted.",
        ["points", "seeds", "p", "p by Holm"],
        [
            .. results.Comparisons.Select(comparison => new TableRow(
                $"{comparison.Framework}, {comparison.Arm}",
                [
                    new(IntervalText.OfDifference(comparison.Difference.Interval!.Value).ToString()),
                    new(Text($"{comparison.Difference.Seeds.Count}")),
                    new(StudyVerdict.PText(comparison.PValue)),
                    new(StudyVerdict.PText(comparison.AdjustedPValue), comparison.IsClear),
                ])),
        ],
        ColumnsOfPage: 4);

    private static TableCell ScoreCell(SeedEstimate? score, int seeds) => score is null
        ? new(Nothing)
        : new(IntervalText.Score(score.Mean) + (score.Interval is { } interval ? $" ± {IntervalText.Score(interval.HalfWidth)}" : "") + Fewer(score, seeds));

    private static TableCell DifferenceCell(SeedEstimate? difference, int seeds) => difference switch
    {
        null => new(Nothing),
        { Interval: { } interval } => new(IntervalText.OfDifference(interval) + Fewer(difference, seeds), interval.ExcludesZero),
        _ => new(IntervalText.Difference(difference.Mean) + Fewer(difference, seeds)),
    };

    private static string Fewer(SeedEstimate estimate, int seeds) => estimate.Seeds.Count < seeds ? Text($" [{estimate.Seeds.Count}]") : "";

    private static string NameOf(StudyScope scope) =>
        scope.Name + (scope.Kind == ScopeKind.Task ? "" : Text($" ({scope.Tasks.Count} {(scope.Tasks.Count == 1 ? "task" : "tasks")})")) + (scope.Metric == "accuracy" ? "" : $", {scope.Metric}");

    private static string Seeds(StudyResults results) => results.Config.Seeds.Count == 1 ? "one seed" : $"{results.Config.Seeds.Count} seeds";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
