namespace OtoMask.Pretraining;

/// <summary>A value that a run has otherwise than the checkpoint it goes on from.</summary>
/// <param name="Key">Key of the configuration, or what of the data differs.</param>
/// <param name="Old">The value so far; null where there was none.</param>
/// <param name="New">The value from now on; null where there is none.</param>
public sealed record ConfigChange(string Key, string? Old, string? New)
{
    /// <summary>What differs between two configurations and would change results, in the order of a configuration file.</summary>
    /// <remarks>Not where the data lies: that its clips are the same is a matter of their list.</remarks>
    public static IEnumerable<ConfigChange> Between(PretrainingConfig before, PretrainingConfig now) =>
        from key in ConfigKeys.All
        where !key.ChangesNoResult && key.Name != "data" && key.Get(before) != key.Get(now)
        select new ConfigChange(key.Name, key.Get(before), key.Get(now));

    /// <inheritdoc/>
    public override string ToString() => $"{Key} {Old ?? "unset"} -> {New ?? "unset"}";
}
