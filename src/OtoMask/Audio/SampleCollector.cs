namespace OtoMask.Audio;

/// <summary>Gathers a stream of samples: leaves out the first ones, stops when enough are there.</summary>
/// <param name="skip">Samples to leave out.</param>
/// <param name="count">Samples to gather at most.</param>
/// <param name="expected">How many a header promises; it saves copies but decides nothing.</param>
internal sealed class SampleCollector(long skip, long count, long expected)
{
    private const long MostOnPromise = 1 << 20;

    private float[] samples = new float[Math.Min(Math.Min(expected, MostOnPromise), count)];
    private int length;

    /// <summary>Whether all wanted samples are there.</summary>
    public bool IsFull => length == count;

    /// <summary>What was gathered.</summary>
    public float[] Samples
    {
        get
        {
            Array.Resize(ref samples, length);
            return samples;
        }
    }

    /// <summary>Takes the next samples of the stream.</summary>
    public void Add(ReadOnlySpan<float> next)
    {
        int left = (int)Math.Min(skip, next.Length);
        skip -= left;
        next = next[left..];
        next = next[..(int)Math.Min(next.Length, count - length)];
        if (length + (long)next.Length > samples.Length)
            Array.Resize(ref samples, (int)Math.Min(count, Math.Max(2L * samples.Length, length + (long)next.Length)));
        next.CopyTo(samples.AsSpan(length));
        length += next.Length;
    }
}
