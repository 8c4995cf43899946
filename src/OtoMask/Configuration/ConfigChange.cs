namespace OtoMask.Configuration;

/// <summary>A value that a run has otherwise than the checkpoint it goes on from.</summary>
/// <param name="Key">Key of the configuration, or what of the data differs.</param>
/// <param name="Old">The value so far; null where there was none.</param>
/// <param name="New">The value from now on; null where there is none.</param>
public sealed record ConfigChange(string Key, string? Old, string? New)
{
    /// <summary>What is not to be seen from the values; null where they say it all.</summary>
    public string? Remark { get; init; }

    /// <summary>What differs between two configurations and would change results, in the order of a configuration file.</summary>
    /// <param name="keys">The values to compare.</param>
    /// <param name="before">How the run was up to a checkpoint.</param>
    /// <param name="now">How it is to go on.</param>
    internal static IEnumerable<ConfigChange> Between<TConfig>(IEnumerable<ConfigKey<TConfig>> keys, TConfig before, TConfig now) =>
        from key in keys
        where !key.ChangesNoResult && !key.IsPlace && key.Get(before) != key.Get(now)
        select new ConfigChange(key.Name, key.Get(before), key.Get(now));

    /// <inheritdoc/>
    public override string ToString() => $"{Key} {Old ?? "unset"} -> {New ?? "unset"}{(Remark is null ? "" : $" ({Remark})")}";
}
