namespace OtoMask.Corpora;

/// <summary>A pool to pre-train on that has a name of its own.</summary>
/// <param name="Name">Name of its CSV, and the word for it in a study's file.</param>
/// <param name="Recipe">What it is made of.</param>
/// <param name="Summary">One line: what it holds.</param>
internal sealed record KnownPool(string Name, PoolRecipe Recipe, string Summary)
{
    /// <summary>All there are: of the small benchmark, and for inputs of two and a half seconds.</summary>
    public static IReadOnlyList<KnownPool> All { get; } =
    [
        new(
            "unlabelled",
            new PoolRecipe(KnownTasks.Benchmark, PoolBreadth.Everything),
            "audio to pre-train on: the training clips of the benchmark and the rest of its packages' audio, never a test clip"),
        new(
            "unlabelled-long",
            new PoolRecipe([.. KnownTasks.Benchmark, .. KnownTasks.Wider], PoolBreadth.LongClips),
            "audio to pre-train on with an input of 2.5 s: clips that fill it, of all tasks' packages and others, never a test clip"),
    ];
}
