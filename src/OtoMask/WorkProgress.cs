namespace OtoMask;

/// <summary>How far a long piece of work is. Told through <see cref="IProgress{T}"/>, from any thread; stopped by a <see cref="CancellationToken"/>.</summary>
/// <param name="What">What is being done, for example <c>decode syllables</c>; empty where the caller knows.</param>
/// <param name="Done">Units done so far.</param>
/// <param name="All">Units in all: clips, fits, megabytes.</param>
public readonly record struct WorkProgress(string What, int Done, int All)
{
    /// <summary>The share done, 0 .. 1.</summary>
    public double Share => All == 0 ? 1 : Math.Min(1, (double)Done / All);
}
