using System.Text.RegularExpressions;
using OtoMask.Studies;
using OtoMask.Studies.Results;
using static OtoMask.Tests.Studies.StudySamples;

namespace OtoMask.Tests.Studies.Results;

public sealed partial class StudyTablesTests
{
    private static readonly StudyRow[] Rows =
    [
        .. Arm("untrained", (40, 40, 40), (40, 40, 40), (40, 40, 40)), .. Arm("random", (60, 50, 40), (62, 50, 40), (64, 50, 40)),
        .. Arm("dwm", (60.6, 54.9, 40.1), (63.8, 55.1, 39.9)),
    ];

    [Fact]
    public void MarkdownHoldsTheNumbers()
    {
        string text = StudyTables.Markdown(StudyResults.Of(Config(), Rows, [Cost("random", 100, 2), Cost("dwm", 110, 4)]));
        Assert.Contains("### msm-mae: scores in %, linear probe (tuned)", text);
        Assert.Contains("|  | untrained | random | dwm |", text);
        Assert.Contains("| drums | 40.0 ± 0.0 | 62.0 ± 5.0 | 62.2 ± 20.3 [2] |", text);
        Assert.Contains("| speech (2 tasks) | 40.0 ± 0.0 | 45.0 ± 0.0 | 47.5 ± 0.0 [2] |", text);
        Assert.Contains("| overall (3 tasks) |", text);
        Assert.Contains("| tones | **+5.0 (+3.7 to +6.3) [2]** |", text); // dwm from random
        Assert.Contains("| drums | +1.2 (-6.4 to +8.8) [2] |", text);
        Assert.Contains("| drums | 30.0 ± 0.0 | 52.0 ± 5.0 | 52.2 ± 20.3 [2] |", text); // nearest neighbours
        Assert.Contains("| dwm | 4.00 (2.00) | 3.6% | 0.0% | 110.0 (1.10) | 73 (0.91) | 0.200 (1.00) | 400 (1.00) | 0.2 (1.10) |", text);
        Assert.Contains("- msm-mae, dwm: seed 3", text);
    }

    [Fact]
    public void EveryRowOfMarkdownHasItsTablesWidth()
    {
        const string Name = "a|b_*c*`<d>";
        StudyConfig config = Config(arms: "{random: {}, 'a|b_*c*`<d>': {mask: dwm}}");
        StudyRow[] rows = [.. Rows.Select(row => row.Arm == "dwm" ? row with { Arm = Name } : row)];
        string text = StudyTables.Markdown(StudyResults.Of(config, rows, [Cost("random", 100, 2), Cost(Name, 110, 4)]));
        Assert.Contains(@"a\|b\_\*c\*\`\<d>", text);
        foreach (Match table in MarkdownTable().Matches(text))
            Assert.Single(table.Value.TrimEnd().Split('\n').Select(line => UnescapedBar().Count(line)).Distinct());
        Assert.Equal(8, MarkdownTable().Count(text)); // probe and k-NN with two differences each, costs, significance
    }

    [Fact]
    public void LatexIsWellFormedAndEscapesNames()
    {
        const string Name = @"a_b & 50% #1 {x} ~^\ $";
        StudyConfig config = Config(arms: @"{random: {}, 'a_b & 50% #1 {x} ~^\ $': {mask: dwm}}");
        StudyRow[] rows = [.. Rows.Select(row => row.Arm == "dwm" ? row with { Arm = Name } : row)];
        string text = StudyTables.Latex(StudyResults.Of(config, rows, [Cost("random", 100, 2), Cost(Name, 110, 4)]));
        Assert.Contains(@"a\_b \& 50\% \#1 \{x\} \textasciitilde{}\textasciicircum{}\textbackslash{} \$", text);
        Assert.Contains(@"drums & +1.2 ($-$6.4 to +8.8) [2] \\", text);
        Assert.Contains(@"drums & 40.0 $\pm$ 0.0 & 62.0 $\pm$ 5.0 & 62.2 $\pm$ 20.3 [2] \\", text);
        Assert.Contains(@"\textbf{+5.0 (+3.7 to +6.3) [2]}", text);
        Assert.All(LatexTable().Matches(text), AssertWellFormed);
        Assert.Equal(8, LatexTable().Count(text));
        string body = string.Join('\n', text.Split('\n').Where(line => !line.StartsWith('%')));
        Assert.DoesNotMatch(@"(?<!\\)[%#_]", body); // what LaTeX would take for its own
    }

    [Fact]
    public void WideTablesAreCutForThePage()
    {
        string[] names = ["a", "b", "c", "d", "e"];
        StudyConfig config = Config(arms: $"{{random: {{}}, {string.Join(", ", names.Select(name => $"{name}: {{}}"))}}}");
        StudyResults results = StudyResults.Of(config, [.. Rows, .. names.SelectMany(name => Arm(name, (1, 2, 3), (4, 5, 7)))], []);
        string[] tables = [.. LatexTable().Matches(StudyTables.Latex(results)).Select(table => table.Value)];
        // Seven arms fit for scores; five differences from random are cut after four, six from the untrained network, too.
        Assert.Equal(["lrrrrrrr", "lrrrr", "lr", "lrrrr", "lrr"], tables.Take(5).Select(table => table.Split('{', '}')[3]));
    }

    private static void AssertWellFormed(Match tabular)
    {
        string[] lines = tabular.Value.Split('\n');
        int columns = lines[0].Split('{', '}')[3].Length;
        string[] rows = [.. lines.Where(line => line.EndsWith(@"\\", StringComparison.Ordinal))];
        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.Equal(columns - 1, UnescapedAmpersand().Count(row)));
        Assert.Equal((1, 1), (lines.Count(line => line == @"\toprule"), lines.Count(line => line == @"\bottomrule")));
        Assert.All(rows, row => Assert.Equal(UnescapedBrace('{', row), UnescapedBrace('}', row)));
    }

    private static int UnescapedBrace(char brace, string text) => Regex.Count(text, $@"(?<!\\)\{brace}");

    [GeneratedRegex(@"(?:^\|.*\n)+", RegexOptions.Multiline)]
    private static partial Regex MarkdownTable();

    [GeneratedRegex(@"(?<!\\)\|")]
    private static partial Regex UnescapedBar();

    [GeneratedRegex(@"(?<!\\)&")]
    private static partial Regex UnescapedAmpersand();

    [GeneratedRegex(@"\\begin\{tabular\}.*?\\end\{tabular\}", RegexOptions.Singleline)]
    private static partial Regex LatexTable();
}
