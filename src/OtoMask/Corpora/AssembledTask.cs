namespace OtoMask.Corpora;

/// <summary>One clip of an assembled task.</summary>
/// <param name="FileName">Relative to the CSV's folder, with forward slashes.</param>
/// <param name="Label">Its class.</param>
/// <param name="IsTest">Whether it is tested on; otherwise it is trained on.</param>
/// <param name="Group">Clips of a group are all on one side.</param>
/// <param name="Origin">What it is and where it comes from.</param>
internal sealed record TaskClip(string FileName, string Label, bool IsTest, string Group, ManifestClip Origin)
{
    /// <summary>The side it is on, as the CSV says it: <c>train</c> or <c>test</c>.</summary>
    public string SplitName => IsTest ? "test" : "train";
}

/// <summary>A task on disk: a CSV <c>file_name,label,split,group</c> beside the folders of clips it names.</summary>
/// <param name="Recipe">How it was made.</param>
/// <param name="CsvPath">The table to evaluate with.</param>
/// <param name="SummaryPath">JSON: packages and their versions, clips and seconds, counts by label and split, hash of the contents.</param>
/// <param name="Clips">Its rows.</param>
internal sealed record AssembledTask(TaskRecipe Recipe, string CsvPath, string SummaryPath, IReadOnlyList<TaskClip> Clips)
{
    /// <summary>SHA-256 over the contents, labels and splits of the clips: two machines with the same hash measure on the same task.</summary>
    public string ContentHash => Corpora.ContentHash.Of(Clips.Select(clip => $"{clip.Origin.Sha256} {clip.Label} {clip.SplitName}"));
}
