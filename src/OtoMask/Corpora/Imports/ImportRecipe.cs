using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>How one of the field's data sets, copied to this machine by its user, becomes a task (docs/evaluation.md section 3).</summary>
internal sealed record ImportRecipe
{
    internal ImportRecipe(Func<LocalCopy, IEnumerable<ListedClip>> list) => List = list;

    /// <summary>Name of the task and, unless the user names another, of its CSV.</summary>
    public required string Name { get; init; }

    /// <summary>The data set and what is told apart.</summary>
    public required string Title { get; init; }

    /// <summary><c>events</c>, <c>speech</c> or <c>music</c>.</summary>
    public required string Family { get; init; }

    /// <summary>Unit length in seconds with which the field scores this task.</summary>
    public required double Seconds { get; init; }

    /// <summary>Number of labels by the publication.</summary>
    public required int Classes { get; init; }

    /// <summary>Whether clips have several labels.</summary>
    public bool IsMultiLabel { get; init; }

    /// <summary>What scores are in.</summary>
    public string Metric => IsMultiLabel ? "mAP" : "accuracy";

    /// <summary>What the folder must hold, as the data set is published.</summary>
    public required string Layout { get; init; }

    /// <summary>Where the split or the folds come from.</summary>
    public required string Split { get; init; }

    /// <summary>What <c>--split</c> takes and by which name others publish it; null where the download has all that is needed.</summary>
    public string? SplitList { get; init; }

    /// <summary>Clips of every part by the publication.</summary>
    public required IReadOnlyList<PublishedCount> Published { get; init; }

    /// <summary>Reads the lists of a copy: every clip that should be there.</summary>
    internal Func<LocalCopy, IEnumerable<ListedClip>> List { get; }
}

/// <summary>Size of a part of a data set by its publication.</summary>
/// <param name="Part"><c>train</c>, <c>valid</c>, <c>test</c>, or <c>fold 1</c> and so on.</param>
/// <param name="Clips">How many clips it has.</param>
internal sealed record PublishedCount(string Part, int Clips)
{
    internal static IReadOnlyList<PublishedCount> Splits(int train, int valid, int test) => [new("train", train), new("valid", valid), new("test", test)];

    internal static IReadOnlyList<PublishedCount> Splits(int train, int test) => [new("train", train), new("test", test)];

    internal static IReadOnlyList<PublishedCount> Folds(params int[] folds) => [.. folds.Select((clips, i) => new PublishedCount($"fold {i + 1}", clips))];
}

/// <summary>A clip that the lists of a data set name; its recording may be missing.</summary>
/// <param name="File">Path below the data folder, with forward slashes.</param>
/// <param name="Label">Its label, or several separated by semicolons.</param>
/// <param name="Split">The part it serves; of no meaning where there is a fold.</param>
/// <param name="Group">What must not be on both sides of a split (a speaker, a field recording).</param>
/// <param name="Fold">Fold in which it is tested on.</param>
internal sealed record ListedClip(string File, string Label, TaskSplit Split, string? Group = null, int? Fold = null)
{
    /// <summary>The part it is counted in.</summary>
    public string Part => Fold is { } fold ? $"fold {fold}" : Split.ToString().ToLowerInvariant();
}
