using System.CommandLine;
using System.Globalization;
using OtoMask.Corpora.Imports;

namespace OtoMask.App.Commands;

/// <summary><c>otomask data import NAME FOLDER</c>: a task of a data set of the field that the user has a copy of.</summary>
internal static class DataImportCommand
{
    public static Command Create()
    {
        Argument<string> name = new("NAME") { Description = $"Data set: {string.Join(", ", KnownImports.All.Select(recipe => recipe.Name))}.", HelpName = "NAME" };
        Argument<string> folder = new("FOLDER") { Description = "Its local copy, laid out as it is published." };
        Option<string?> output = new("--out") { Description = "The task; by default NAME.csv in the folder.", HelpName = "TASK.csv" };
        Option<string?> split = new("--split")
        {
            Description = $"A list that is no part of the download, for {string.Join(", ", KnownImports.All.Where(recipe => recipe.SplitList is not null).Select(recipe => recipe.Name))}; "
                + "by default looked for in the folder.",
            HelpName = "FILE",
        };
        Option<bool> strict = new("--strict") { Description = "Missing recordings and counts that differ from the published ones are an error." };
        Command command = new("import", "Make a task of a data set you have: official split, counts checked against the published ones.") { name, folder, output, split, strict };
        name.CompletionSources.Add([.. KnownImports.All.Select(recipe => recipe.Name)]);
        command.SetAction((line, cancellation) =>
        {
            ImportRecipe recipe = KnownImports.Find(line.GetRequiredValue(name));
            ImportOptions options = new() { Split = line.GetValue(split), Output = line.GetValue(output), IsStrict = line.GetValue(strict) };
            ImportedTask task = Terminal.WithProgress("looking for recordings", progress => TaskImport.Run(recipe, line.GetRequiredValue(folder), options, progress, cancellation));
            Show(task, line.InvocationConfiguration.Output);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Show(ImportedTask task, TextWriter output)
    {
        ImportRecipe recipe = task.Recipe;
        output.Tell($"{recipe.Title}; {task.Clips} clips, {task.Classes} classes; split: {recipe.Split}");
        foreach (PartCount part in task.Parts)
            output.Tell($"  {part.Part,-7} {part.There,8} clips, {part.Listed} listed, {part.Published?.ToString(CultureInfo.InvariantCulture) ?? "none"} published");
        foreach (string problem in task.Problems)
            output.Tell($"warning: {problem}");
        output.Tell(string.Create(CultureInfo.InvariantCulture, $"{task.CsvPath}: scored by {recipe.Metric}; probe it with --seconds {recipe.Seconds}"));
    }
}
