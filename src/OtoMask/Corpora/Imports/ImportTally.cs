namespace OtoMask.Corpora.Imports;

/// <summary>How much of a part is there.</summary>
/// <param name="Part"><c>train</c>, <c>valid</c>, <c>test</c>, or <c>fold 1</c> and so on.</param>
/// <param name="There">Clips whose recording is there.</param>
/// <param name="Listed">Clips that the copy's lists name.</param>
/// <param name="Published">Clips by the publication; null for a part that the publication does not know.</param>
internal sealed record PartCount(string Part, int There, int Listed, int? Published);

/// <summary>Counts what an import finds and says what is missing or unlike the publication.</summary>
internal sealed class ImportTally(ImportRecipe recipe)
{
    private const int NamesShown = 3;
    private readonly Dictionary<string, (int There, int Listed)> parts = [];
    private readonly HashSet<string> listedLabels = [], labels = [], files = [];
    private readonly Dictionary<string, string> partOfGroup = [];
    private readonly HashSet<string> tornGroups = [];
    private readonly List<string> firstMissing = [];
    private int missing, listed;

    /// <summary>Labels of the clips that are there.</summary>
    public int Classes => labels.Count;

    /// <summary>Counts one clip.</summary>
    /// <exception cref="UserErrorException">It was counted before, or has several labels where a clip has one.</exception>
    public void Add(ListedClip clip, bool isThere)
    {
        string[] own = clip.Label.Split(';');
        if (own.Any(string.IsNullOrWhiteSpace) || (own.Length > 1 && !recipe.IsMultiLabel))
            throw new UserErrorException($"{clip.File} has the label '{InputFile.Quotable(clip.Label)}', which no clip of {recipe.Name} has: take the list from its publisher");
        (int There, int Listed) part = parts.GetValueOrDefault(clip.Part);
        parts[clip.Part] = (part.There + (isThere ? 1 : 0), part.Listed + 1);
        listed++;
        listedLabels.UnionWith(own);
        if (!isThere)
        {
            if (++missing <= NamesShown)
                firstMissing.Add(clip.File);
            return;
        }
        if (!files.Add(clip.File))
            throw new UserErrorException($"{clip.File} is listed twice, and a clip must serve one part alone: take the list from its publisher");
        labels.UnionWith(own);
        // Official folds are as they are; a split by group is kept by whoever made the list.
        if (clip is { Fold: null, Group: { } group } && !partOfGroup.TryAdd(group, clip.Part) && partOfGroup[group] != clip.Part)
            tornGroups.Add(group);
    }

    /// <summary>Parts in the order of the publication, then others.</summary>
    public IReadOnlyList<PartCount> Parts() =>
    [
        .. recipe.Published.Select(part => new PartCount(part.Part, parts.GetValueOrDefault(part.Part).There, parts.GetValueOrDefault(part.Part).Listed, part.Clips)),
        .. parts.Where(part => recipe.Published.All(known => known.Part != part.Key)).Select(part => new PartCount(part.Key, part.Value.There, part.Value.Listed, null)),
    ];

    /// <exception cref="UserErrorException">What is there cannot be trained and tested on.</exception>
    public void RequireTask(LocalCopy copy)
    {
        if (files.Count == 0)
            throw copy.WrongLayout(listed == 0 ? "it holds no recordings" : $"none of the {listed} recordings that its lists name is there ({FirstMissing()})");
        bool isFolded = recipe.Published[0].Part.StartsWith("fold", StringComparison.Ordinal);
        string[] there = [.. parts.Where(part => part.Value.There > 0).Select(part => part.Key)];
        bool isEnough = isFolded ? there.Length > 1 : there.Contains("train") && there.Contains("test");
        if (!isEnough || labels.Count < 2)
            throw new UserErrorException($"{copy.Folder}: {string.Join("; ", Problems())}; what is there ({string.Join(", ", there)}; {labels.Count} classes) is too little for a task: complete the copy");
    }

    /// <summary>What is missing or unlike the publication, a line each.</summary>
    public IReadOnlyList<string> Problems() => [.. Found()];

    private IEnumerable<string> Found()
    {
        if (missing > 0)
            yield return $"{missing} of {listed} listed recordings are not there: {FirstMissing()}";
        PartCount[] odd = [.. Parts().Where(part => part.Listed != part.Published)];
        if (odd.Length > 0)
            yield return $"not the published counts: {string.Join(", ", odd.Select(part => $"{part.Part} has {part.Listed} clips, published {part.Published?.ToString() ?? "none"}"))}";
        if (listedLabels.Count != recipe.Classes)
            yield return $"not the published classes: {listedLabels.Count}, published {recipe.Classes}";
        if (tornGroups.Count > 0)
            yield return $"{tornGroups.Count} speakers are in more than one part: {Some([.. tornGroups.Order(StringComparer.Ordinal)], tornGroups.Count)}";
    }

    private string FirstMissing() => Some(firstMissing, missing);

    private static string Some(IReadOnlyList<string> names, int count) =>
        string.Join(", ", names.Take(NamesShown)) + (count > NamesShown ? $" and {count - NamesShown} more" : "");
}
