using OtoMask.Corpora;
using Spectre.Console;

namespace OtoMask.App.Commands;

/// <summary><c>otomask data describe</c>: what a task holds; before it is fetched, what can be told without it.</summary>
internal sealed class DataDescription(string dataFolder, CancellationToken cancellation)
{
    private readonly TaskAssembler assembler = new(dataFolder);

    public void Show(TaskRecipe recipe)
    {
        Heading(recipe.Name, recipe.Family, recipe.Summary);
        Line("mind", recipe.Caution);
        if (assembler.Find(recipe) is not { } task)
        {
            Line("holds", $"{DataText.Count(recipe.Known.Clips)} clips in {DataText.Count(recipe.Known.Classes)} classes, with the packages of Debian 12");
            ShowMissing(recipe.Name, recipe.Packages, () => assembler.Cost([recipe], cancellation: cancellation));
            return;
        }
        Line("table", task.CsvPath);
        foreach (IGrouping<string, TaskClip> split in task.Clips.GroupBy(clip => clip.SplitName).OrderByDescending(split => split.Key))
            Line(split.Key, $"{DataText.Count(split.Count())} clips, {DataText.Duration(split.Sum(clip => clip.Origin.Seconds))}");
        if (task.Clips.Count != recipe.Known.Clips)
            Line("differs", $"{DataText.Count(recipe.Known.Clips)} clips with the packages of Debian 12: compare scores only where the content hash is the same");
        Line("content hash", task.ContentHash);
        ShowPackages(task.Clips.Select(clip => clip.Origin));
        Table classes = new Table().WithColumns("class", "train", "test", "length");
        foreach (IGrouping<string, TaskClip> label in task.Clips.GroupBy(clip => clip.Label).OrderBy(label => label.Key, StringComparer.Ordinal))
        {
            classes.WithRow(
                label.Key,
                DataText.Count(label.Count(clip => !clip.IsTest)),
                DataText.Count(label.Count(clip => clip.IsTest)),
                DataText.Duration(label.Sum(clip => clip.Origin.Seconds)));
        }
        Terminal.Show(classes);
    }

    public void Show(KnownPool known)
    {
        Heading(known.Name, "all", known.Summary);
        if (assembler.FindPool(known.Recipe) is not { } pool)
        {
            ShowMissing(known.Name, known.Recipe.Packages, () => assembler.Cost(known.Recipe.Tasks, [known.Recipe], cancellation));
            return;
        }
        Line("table", pool.CsvPath);
        Line("clips", $"{DataText.Count(pool.Clips.Count)}, {DataText.Duration(3600 * pool.Hours)}");
        Line("safe for", string.Join(", ", pool.Tasks.Select(task => task.Name)));
        Line("content hash", pool.ContentHash);
        ShowPackages(pool.Clips.Select(clip => clip.Origin));
    }

    private void ShowMissing(string name, IReadOnlyList<string> packages, Func<FetchCost> cost)
    {
        try
        {
            Line("packages", string.Join(", ", packages.Select(package => $"{package} {assembler.VersionOf(package, cancellation) ?? "(not in this release)"}")));
            FetchCost needed = cost();
            Line("to download", $"{DataText.Megabytes(needed.DownloadBytes)} MB, {DataText.Megabytes(needed.DiskBytes)} MB on disk");
        }
        catch (UserErrorException problem)
        {
            Line("packages", string.Join(", ", packages));
            Line("to download", $"cannot be told: {problem.Message}");
        }
        Line("missing", $"counts by class and split, licences and hash: otomask data fetch {name}");
    }

    private static void ShowPackages(IEnumerable<ManifestClip> clips)
    {
        Table table = new Table().WithColumns("package", "version", "licence", "clips", "length");
        foreach (PackageShare package in PackageShare.Of(clips))
            table.WithRow(package.Package, package.Version, package.Licence, DataText.Count(package.Clips), DataText.Duration(3600 * package.Hours));
        Terminal.Show(table);
    }

    private static void Heading(string name, string family, string summary) => Terminal.Tell($"{name} ({family}): {summary}");

    private static void Line(string name, string value) => Terminal.Tell($"{name,-13} {value}");
}
