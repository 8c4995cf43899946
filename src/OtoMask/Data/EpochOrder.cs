using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>
/// The order of the clips in each epoch. An epoch is made of draws: draw d is clip d mod N, so a set repeated k times has k N draws and
/// each draw its own crop and mask.
/// </summary>
/// <param name="clips">N, clips of the data set.</param>
/// <param name="minClips">Draws of an epoch at least; the set is repeated as a whole.</param>
/// <param name="seed">The run's seed.</param>
internal sealed class EpochOrder(int clips, int minClips, ulong seed)
{
    private readonly Dictionary<int, int[]> orders = [];

    /// <summary>Draws of one epoch: a multiple of the clips.</summary>
    public int Draws { get; } = checked(clips * Math.Max(1, (int)Math.Ceiling(minClips / (double)clips)));

    /// <summary>The clip behind a draw.</summary>
    public int ClipOf(int draw) => draw % clips;

    /// <summary>All draws of an epoch, in the order of training. Thread-safe.</summary>
    public int[] Of(int epoch)
    {
        lock (orders)
        {
            if (orders.TryGetValue(epoch, out int[]? order))
                return order;
            order = [.. Enumerable.Range(0, Draws)];
            var random = new RandomStream(seed, RandomPurpose.Shuffle, epoch);
            random.Shuffle<int>(order);
            foreach (int past in orders.Keys.Where(past => past < epoch - 1).ToArray())
                orders.Remove(past);
            orders.Add(epoch, order);
            return order;
        }
    }
}
