namespace OtoMask.Corpora;

/// <summary>How a labelled task is made of the clips of one or more sources: what the label is, and how train and test are kept apart.</summary>
internal sealed record TaskRecipe
{
    internal TaskRecipe(IReadOnlyList<IClipSource> sources, Func<ManifestClip, string?> label, Func<ManifestClip, string> group) =>
        (Sources, Label, Group) = (sources, label, group);

    /// <summary>Name of the task and of its CSV.</summary>
    public required string Name { get; init; }

    /// <summary><c>events</c>, <c>speech</c>, <c>music</c> or <c>generalisation</c>: tested on people never heard in training.</summary>
    public required string Family { get; init; }

    /// <summary>One line: what is told apart, from which audio, and how it is split.</summary>
    public required string Summary { get; init; }

    /// <summary>Classes and clips with the packages of Debian 12; other releases may differ.</summary>
    public required (int Classes, int Clips) Known { get; init; }

    /// <summary>What to mind before believing a score; a sentence or two.</summary>
    public required string Caution { get; init; }

    /// <summary>The Debian packages it is made of, without fluidsynth.</summary>
    public IReadOnlyList<string> Packages => [.. Sources.SelectMany(source => source.Packages).Distinct()];

    /// <summary>Where the clips come from; of copies in several sources, the first counts.</summary>
    internal IReadOnlyList<IClipSource> Sources { get; init; }

    /// <summary>The label of a clip, or null when it has no part in the task.</summary>
    internal Func<ManifestClip, string?> Label { get; init; }

    /// <summary>What a clip must share its split with: clips of one group lie all in train or all in test.</summary>
    internal Func<ManifestClip, string> Group { get; init; }

    /// <summary>Whether a group is tested on; null lets <see cref="GroupedSplit"/> draw <see cref="TestShare"/> of the clips.</summary>
    internal Func<ManifestClip, bool>? IsTest { get; init; }

    /// <summary>Share of each label's clips to test on, when drawn.</summary>
    internal double TestShare { get; init; } = 0.3;
}
