using System.Globalization;
using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>What a user may say about an import.</summary>
internal sealed record ImportOptions
{
    /// <summary>A list that is no part of the download (see <see cref="ImportRecipe.SplitList"/>); null to look for it in the folder.</summary>
    public string? Split { get; init; }

    /// <summary>Where the task goes; by default the recipe's name in the data folder.</summary>
    public string? Output { get; init; }

    /// <summary>Whether anything missing or unlike the publication is an error.</summary>
    public bool IsStrict { get; init; }
}

/// <summary>A task that was written.</summary>
/// <param name="Recipe">The data set.</param>
/// <param name="CsvPath">The CSV <c>file_name,label,split[,group][,fold]</c>.</param>
/// <param name="Clips">How many clips it names; all of them are there.</param>
/// <param name="Classes">How many labels they have.</param>
/// <param name="Parts">Splits or folds.</param>
/// <param name="Problems">What is missing or unlike the publication, a line each; empty for a whole copy.</param>
internal sealed record ImportedTask(ImportRecipe Recipe, string CsvPath, int Clips, int Classes, IReadOnlyList<PartCount> Parts, IReadOnlyList<string> Problems);

/// <summary>Makes a task of a user's copy of a data set.</summary>
internal static class TaskImport
{
    private const int TellEvery = 8192;

    /// <summary>Reads the lists of a copy, looks which recordings are there, and writes those as a task.</summary>
    /// <param name="recipe">The data set.</param>
    /// <param name="folder">Its copy.</param>
    /// <param name="options">What the user chose.</param>
    /// <param name="progress">Told now and then of clips looked for, of those published; or null.</param>
    /// <param name="cancellation">Stops it; nothing is written.</param>
    /// <exception cref="UserErrorException">The folder or a list is not what this data set has, no task can be made of what is
    /// there, or the import is strict and something is missing. Nothing is written.</exception>
    public static ImportedTask Run(
        ImportRecipe recipe, string folder, ImportOptions options, IProgress<WorkProgress>? progress = null, CancellationToken cancellation = default)
    {
        LocalCopy copy = new(recipe, folder, options.Split);
        string csv = Path.GetFullPath(RequirePlace(options, copy.PathOf(recipe.Name + ".csv")));
        ImportTally tally = new(recipe);
        List<ListedClip> clips = [];
        int published = recipe.Published.Sum(part => part.Clips), looked = 0;
        foreach (ListedClip clip in recipe.List(copy))
        {
            bool isThere = copy.Has(clip.File);
            tally.Add(clip, isThere);
            if (isThere)
                clips.Add(clip);
            if (++looked % TellEvery == 0)
            {
                cancellation.ThrowIfCancellationRequested();
                progress?.Report(new WorkProgress($"look for {recipe.Name}", Math.Min(looked, published), published));
            }
        }

        tally.RequireTask(copy);
        IReadOnlyList<string> problems = tally.Problems();
        if (options.IsStrict && problems.Count > 0)
            throw new UserErrorException($"{copy.Folder}: {string.Join("; ", problems)}; complete the copy, or leave `IsStrict` out to go on with what is there");
        OutputPlace.Require(csv, copy.ListsRead.Concat(clips.Select(clip => copy.PathOf(clip.File))));
        Write(csv, copy, clips);
        return new ImportedTask(recipe, csv, clips.Count, tally.Classes, tally.Parts(), problems);
    }

    // Known before the search for recordings, which takes minutes where there are millions.
    private static string RequirePlace(ImportOptions options, string byDefault)
    {
        string csv = options.Output ?? byDefault;
        OutputPlace.Require(csv, options.Split is { } split ? [split] : []);
        return csv;
    }

    private static void Write(string csv, LocalCopy copy, List<ListedClip> clips)
    {
        bool hasGroups = clips[0].Group is not null, hasFolds = clips[0].Fold is not null;
        string below = Path.GetDirectoryName(csv)!.TrimEnd('/') + "/";
        TableFile.Write(
            csv,
            ["file_name", "label", "split", .. hasGroups ? ["group"] : Array.Empty<string>(), .. hasFolds ? ["fold"] : Array.Empty<string>()],
            clips.Select(clip => (string[])
            [
                Name(copy.PathOf(clip.File), below), clip.Label, clip.Split.ToString().ToLowerInvariant(),
                .. hasGroups ? [clip.Group!] : Array.Empty<string>(),
                .. hasFolds ? [clip.Fold!.Value.ToString(CultureInfo.InvariantCulture)] : Array.Empty<string>(),
            ]));
    }

    /// <summary>Relative where the recording lies below the CSV, so that both may move together; else absolute.</summary>
    private static string Name(string path, string below) => path.StartsWith(below, StringComparison.Ordinal) ? path[below.Length..] : path;
}
