namespace OtoMask.Corpora;

/// <summary>Tasks on single drum hits.</summary>
internal static class PercussionTasks
{
    /// <summary>Ten kinds of hits; no drum on both sides, whatever the loudness it was struck with.</summary>
    public static readonly TaskRecipe Drums = new(new DrumHits(), label: clip => clip.Tags["kind"], group: clip => clip.Tags["source"])
    {
        Name = "drums",
        Family = "percussion",
        Summary = "10 kinds of drum hits (hydrogen-data, lmms-common, sonic-pi-samples, timgm6mb-soundfont); test: drums not heard in training",
    };
}
