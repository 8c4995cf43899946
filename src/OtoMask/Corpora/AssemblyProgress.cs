namespace OtoMask.Corpora;

/// <summary>How far the assembly of a corpus is.</summary>
/// <param name="Activity">What is being done, for example <c>decode syllables</c>.</param>
/// <param name="Done">Units done so far.</param>
/// <param name="Total">Units in all (recordings, or megabytes of a package).</param>
public sealed record AssemblyProgress(string Activity, int Done, int Total);
