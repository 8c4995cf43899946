namespace OtoMask.Runs;

/// <summary>What there is to tell of a pre-training that has ended or was stopped.</summary>
public sealed record RunSummary
{
    /// <summary>Where it is kept.</summary>
    public required RunFolder Folder { get; init; }

    /// <summary>A sentence on what was trained: framework, size, strategy, input, data.</summary>
    public required string What { get; init; }

    /// <summary>The rows of <c>log.jsonl</c>.</summary>
    public required RunLog Log { get; init; }

    /// <summary>The resolved configuration, YAML.</summary>
    public required string Config { get; init; }

    /// <summary>Clips trained on.</summary>
    public required int Clips { get; init; }

    /// <summary>Files skipped as unreadable, each with the reason.</summary>
    public IReadOnlyList<string> BadFiles { get; init; } = [];

    /// <summary>Warnings of the run, such as a collapse.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Machine, versions and the like: name and value.</summary>
    public IReadOnlyList<(string Name, string Value)> Environment { get; init; } = [];
}
