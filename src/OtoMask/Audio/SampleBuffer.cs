namespace OtoMask.Audio;

/// <summary>Samples that wait to be taken, first come, first out.</summary>
/// <param name="expected">How many a header promises; it saves copies but decides nothing.</param>
internal sealed class SampleBuffer(long expected = 0)
{
    private const long MostOnPromise = 1 << 20;

    private float[] samples = new float[Math.Clamp(expected, 0, MostOnPromise)];
    private int first;

    /// <summary>Samples that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Appends samples.</summary>
    public void Add(ReadOnlySpan<float> next)
    {
        long needed = Count + (long)next.Length;
        if (first + needed > samples.Length)
        {
            float[] roomier = needed > samples.Length ? new float[Math.Min(Math.Max(2L * samples.Length, needed), Array.MaxLength)] : samples;
            samples.AsSpan(first, Count).CopyTo(roomier);
            (samples, first) = (roomier, 0);
        }
        next.CopyTo(samples.AsSpan(first + Count));
        Count += next.Length;
    }

    /// <summary>Takes the first samples out, fewer than asked for where fewer wait.</summary>
    public float[] Take(int count)
    {
        float[] taken = samples.AsSpan(first, Math.Min(count, Count)).ToArray();
        Skip(taken.Length);
        return taken;
    }

    /// <summary>Drops the first samples.</summary>
    public void Skip(int count)
    {
        first += count;
        Count -= count;
    }
}
