namespace OtoMask.Corpora;

/// <summary>What a package gave under one licence.</summary>
/// <param name="Package">Debian package.</param>
/// <param name="Version">Its version.</param>
/// <param name="Licence">The licence that package states for these clips.</param>
/// <param name="Clips">Number of clips.</param>
/// <param name="Hours">Their length together.</param>
internal sealed record PackageShare(string Package, string Version, string Licence, int Clips, double Hours)
{
    /// <summary>The shares of <paramref name="clips"/>, in the order in which they first appear.</summary>
    public static IReadOnlyList<PackageShare> Of(IEnumerable<ManifestClip> clips) =>
    [
        .. clips.GroupBy(clip => (clip.Package, clip.Version, clip.Licence))
            .Select(source => new PackageShare(
                source.Key.Package, source.Key.Version, source.Key.Licence, source.Count(), Math.Round(source.Sum(clip => clip.Seconds) / 3600, 3))),
    ];
}
