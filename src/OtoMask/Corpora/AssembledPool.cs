namespace OtoMask.Corpora;

/// <summary>One clip of a pre-training pool.</summary>
/// <param name="FileName">Relative to the CSV's folder, with forward slashes.</param>
/// <param name="Origin">What it is and where it comes from.</param>
internal sealed record PoolClip(string FileName, ManifestClip Origin);

/// <summary>Audio to pre-train on, on disk: a CSV <c>file_name</c> beside the folders of clips it names.</summary>
/// <param name="Tasks">The tasks whose test clips and test groups it does not hold: those that may be scored after it.</param>
/// <param name="CsvPath">The table to pre-train on.</param>
/// <param name="SummaryPath">JSON: tasks, clips and hours by package, hash of the contents.</param>
/// <param name="Clips">Its rows.</param>
internal sealed record AssembledPool(IReadOnlyList<TaskRecipe> Tasks, string CsvPath, string SummaryPath, IReadOnlyList<PoolClip> Clips)
{
    /// <summary>Length of all clips together.</summary>
    public double Hours => Clips.Sum(clip => clip.Origin.Seconds) / 3600;

    /// <summary>SHA-256 over the contents of the clips: two machines with the same hash pre-train on the same audio.</summary>
    public string ContentHash => Corpora.ContentHash.Of(Clips.Select(clip => clip.Origin.Sha256));
}
