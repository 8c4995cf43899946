using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using OtoMask.App;
using OtoMask.App.Commands;
using OtoMask.Corpora.Imports;
using OtoMask.Tests.App;
using OtoMask.Tests.Corpora.Imports;

namespace OtoMask.Tests.Commands;

public sealed partial class DataImportCommandTests
{
    [Fact]
    public void It_says_what_is_there_and_what_is_not()
    {
        using DataSetCopy copy = DataSetCopy.Of("spcv2");
        File.Delete(copy["cat/0b_nohash_0.wav"]);
        copy.List("testing_list.txt", "cat/0b_nohash_0.wav", "bed/0c_nohash_0.wav");
        (string output, _) = CommandRunner.Run(DataImportCommand.Create(), ["spcv2", copy.Folder]);
        Assert.Equal(
            [
                "Speech Commands V2: 35 words; 3 clips, 2 classes; split: official: validation_list.txt, testing_list.txt, and what neither lists to train on",
                "  train          1 clips, 1 listed, 84843 published",
                "  valid          1 clips, 1 listed, 9981 published",
                "  test           1 clips, 2 listed, 11005 published",
                "warning: 1 of 4 listed recordings are not there: cat/0b_nohash_0.wav",
                "warning: not the published counts: train has 1 clips, published 84843, valid has 1 clips, published 9981, test has 2 clips, published 11005",
                "warning: not the published classes: 2, published 35",
                $"{copy["spcv2.csv"]}: scored by accuracy; probe it with --seconds 1",
            ],
            output.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void Strictness_an_unknown_name_and_a_missing_list_end_with_exit_code_2_and_one_line()
    {
        using DataSetCopy copy = DataSetCopy.Of("esc50");
        AppProcess.Run("data", "import", "esc50", copy.Folder, "--strict").AssertUserError(copy.Folder, "fold 1 has 1 clips, published 400", "--strict");
        AppProcess.Run("data", "import", "esc51", copy.Folder).AssertUserError("'esc51'", "did you mean esc50?", "nsynth");
        AppProcess.Run("data", "import", "gtzan", copy.Folder).AssertUserError("--split", "Kereliuk");
        AppProcess.Run("data", "import", "esc50", copy["nowhere"]).AssertUserError(copy["nowhere"], "meta/esc50.csv");
        Assert.Empty(Directory.GetFiles(copy.Folder));
    }

    [Fact]
    public void A_probe_runs_on_what_it_wrote()
    {
        using DataSetCopy copy = new();
        (string Name, int Fold, string Label)[] clips =
            [.. from fold in Enumerable.Range(1, 3) from clip in Enumerable.Range(0, 8) select ($"{fold}-{clip}.wav", fold, clip % 2 == 0 ? "dog" : "rain")];
        copy.List("meta/esc50.csv", ["filename,fold,category,src_file", .. clips.Select(clip => $"{clip.Name},{clip.Fold},{clip.Label},{clip.Name}")]);
        foreach ((string name, _, string label) in clips)
            copy.Sound($"audio/{name}", label == "dog" ? 0.2 : 0.4);
        string task = Path.Combine(copy.Elsewhere, "task.csv"), numbers = Path.Combine(copy.Elsewhere, "metrics.json");
        Assert.Equal(0, AppProcess.Run("data", "import", "esc50", copy.Folder, "--out", task).ExitCode);
        AppResult probe = AppProcess.Run("probe", "--encoder", "logmel-stats", "--task", task, "--seconds", "0.4", "--seeds", "42", "--out", numbers);
        Assert.Equal((0, ""), (probe.ExitCode, probe.Error));
        Assert.All((string[])["2 classes", "24 to test on", "accuracy %"], part => Assert.Contains(part, probe.Output));
        Assert.NotEmpty(JsonDocument.Parse(File.ReadAllText(numbers)).RootElement.EnumerateObject());
    }

    [Fact]
    public void Its_page_lists_the_catalogue()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "data-import.md"));
        string[][] rows = [.. CatalogueRow().Matches(page).Select(row => row.Groups[1].Value.Split('|', StringSplitOptions.TrimEntries))];
        Assert.Equal(KnownImports.All.Select(recipe => new[]
        {
            $"`{recipe.Name}`", recipe.Seconds.ToString(CultureInfo.InvariantCulture), $"{recipe.Classes}", recipe.Metric,
            recipe.Published[0].Part == "fold 1" ? $"{recipe.Published.Sum(part => part.Clips)}" : string.Join(" / ", recipe.Published.Select(part => part.Clips)),
        }), rows.Select(row => new[] { row[0], row[2], row[3], row[4], row[5] }));
    }

    [Fact]
    public void Its_help_names_every_data_set_and_every_option()
    {
        string help = AppProcess.Run("data", "import", "--help").Output;
        Assert.All(KnownImports.All, recipe => Assert.Contains(recipe.Name, help));
        Assert.All(DataImportCommand.Create().Options, option => Assert.Contains(option.Name, help));
        Assert.Contains(CommandLine.Create().Subcommands, verb => verb.Name == "data");
    }

    [GeneratedRegex(@"^\| (`\w+` \|(?:[^|\n]*\|){6})$", RegexOptions.Multiline)]
    private static partial Regex CatalogueRow();
}
