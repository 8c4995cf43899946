using OtoMask.Studies;

namespace OtoMask.App.Reports;

/// <summary>The part of a study's page that shows, on demand, which classes are taken for which.</summary>
internal static class StudyConfusionPart
{
    /// <summary>One matrix, and lists to choose its task, framework and arm.</summary>
    public static Html Confusions(HtmlPage page, StudyContents study)
    {
        page.Use("echarts.min.js", "charts.js", "charts-heatmap.js");
        string[] frameworks = [.. study.Config.Frameworks.Select(framework => framework.Name)], arms = [.. study.Config.ArmNames];
        IGrouping<string, StudyConfusion>[] tasks = [.. Newest(study).GroupBy(confusion => confusion.Task)];
        object data = new
        {
            Kind = "confusion",
            Title = "Confusions",
            Tasks = tasks.Select(task => new
            {
                task.First().Classes,
                Counts = from confusion in task
                         group confusion by (confusion.Framework, confusion.Arm) into arm
                         select new { Framework = Array.IndexOf(frameworks, arm.Key.Framework), Arm = Array.IndexOf(arms, arm.Key.Arm), Counts = Sum([.. arm]) },
            }),
        };
        Html controls = Html.Of(
            $"""
            <div class="choices">{Choice("task", [.. tasks.Select(task => task.Key)], 0)}{Choice("framework", frameworks, 0)}{Choice("arm", arms, Array.IndexOf(arms, study.Config.Baseline))}</div>
            """);
        return Html.Of(
            $"""
            <p>Rows are true classes, columns what the linear probe said, over all test clips, probe seeds and seeds. A cell is the share of its row in %.</p>
            <div class="charts wide">{Charts.Figure(page, "Confusions", "Choose what to look at.", data, controls)}</div>
            """);
    }

    /// <summary>The last line of each run and task: one that was interrupted between two files may have left its matrix twice.</summary>
    private static IEnumerable<StudyConfusion> Newest(StudyContents study) => study.Confusions
        .Where(confusion => study.Config.TaskNames.Contains(confusion.Task) && study.Config.ArmNames.Contains(confusion.Arm))
        .GroupBy(confusion => (confusion.Framework, confusion.Arm, confusion.Seed, confusion.Task)).Select(lines => lines.Last());

    /// <summary>[C * C], the counts of all seeds.</summary>
    private static int[] Sum(StudyConfusion[] seeds)
    {
        int classes = seeds[0].Classes.Count;
        return [.. Enumerable.Range(0, classes * classes).Select(cell => seeds.Sum(seed => seed.Counts[cell / classes][cell % classes]))];
    }

    private static Html Choice(string name, string[] options, int chosen) => Html.Of(
        $"""
        <label>{name} <select data-choice="{name}" autocomplete="off">{Html.Each(options.Index(), option => option.Index == chosen
            ? Html.Of($"""<option value="{option.Index}" selected>{option.Item}</option>""")
            : Html.Of($"""<option value="{option.Index}">{option.Item}</option>"""))}</select></label>
        """);
}
