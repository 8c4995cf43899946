namespace OtoMask.Data;

/// <summary>How many threads make batches.</summary>
/// <param name="First">At the beginning.</param>
/// <param name="Most">At most, as long as a step takes less time than its data.</param>
internal readonly record struct LoaderThreads(int First, int Most)
{
    /// <summary>As many as are asked for. With 0 one for every four cores, at most eight, for a model on the processor needs the cores more; and up to all cores
    /// but one, at most sixteen, where the model has to wait for its data all the same, as it does on a GPU.</summary>
    /// <param name="asked">Threads, or 0 for what the step takes.</param>
    /// <param name="cores">Cores that are there for this process.</param>
    public static LoaderThreads For(int asked, int cores)
    {
        if (asked > 0)
            return new(asked, asked);
        int first = Math.Clamp(cores / 4, 1, 8);
        return new(first, Math.Clamp(cores - 1, first, 16));
    }
}
