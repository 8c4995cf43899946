using System.Numerics;
using System.Runtime.CompilerServices;

namespace OtoMask.Randomness;

/// <summary>What a stream of random numbers is drawn for; two purposes never share numbers.</summary>
public enum RandomPurpose
{
    /// <summary>Initial values of the model's parameters (index = position of the parameter).</summary>
    Initialisation = 1,

    /// <summary>Order of the clips within an epoch.</summary>
    Shuffle = 2,

    /// <summary>Where a clip is cropped.</summary>
    Crop = 3,

    /// <summary>Which patches of a clip are masked.</summary>
    Mask = 4,

    /// <summary>Choices that a whole batch shares (index = step).</summary>
    BatchMask = 5,

    /// <summary>Crops drawn to measure the normalisation statistics.</summary>
    Statistics = 6,

    /// <summary>Train/validation splits, initial values and batch order of a probe.</summary>
    Probe = 7,

    /// <summary>Splits of a task that names no split of its own.</summary>
    Split = 8,

    /// <summary>Which waveforms of a batch are mixed, and by how much (index = step).</summary>
    Mixup = 9,

    /// <summary>Frequencies and frames that a whole batch loses in fine-tuning (index = step).</summary>
    SpectrogramMask = 10,

    /// <summary>How a clip is resized and cropped in fine-tuning.</summary>
    ResizeCrop = 11,

    /// <summary>Which clip of background noise lies under a clip, and where it is cropped.</summary>
    Noise = 12,

    /// <summary>What stands in the place of masked patches.</summary>
    MaskNoise = 13,
}

/// <summary>
/// A stream of random numbers that is a pure function of (seed, purpose, epoch, index): the same four numbers give
/// the same stream on any thread, in any order, on any machine.
/// </summary>
/// <remarks>Philox 4x32 with 10 rounds: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
/// It is a mutable struct of 40 bytes: pass it by <c>ref</c> where draws must go on.</remarks>
public struct RandomStream
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    private readonly uint key0, key1, counter1, counter2, counter3;
    private uint block;
    private int used;
    private uint word0, word1, word2, word3;

    /// <summary>Opens the stream of <paramref name="purpose"/> for one item of one epoch.</summary>
    /// <param name="seed">The run's seed; all 64 bits count.</param>
    /// <param name="purpose">What the numbers are for.</param>
    /// <param name="epoch">Epoch, from 0; below 2^24.</param>
    /// <param name="index">Clip index, step or position, from 0; all 64 bits count.</param>
    /// <exception cref="ArgumentOutOfRangeException">The epoch is negative or 2^24 or more.</exception>
    public RandomStream(ulong seed, RandomPurpose purpose, int epoch = 0, long index = 0)
    {
        if ((uint)epoch >= 1u << 24)
            throw new ArgumentOutOfRangeException(nameof(epoch), epoch, "the epoch must lie in 0 .. 2^24 - 1");
        (key0, key1) = ((uint)seed, (uint)(seed >> 32));
        counter1 = ((uint)purpose << 24) | (uint)epoch;
        counter2 = (uint)index;
        counter3 = (uint)((ulong)index >> 32);
        used = 4;
    }

    /// <summary>The next 32 random bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint NextUInt32()
    {
        if (used == 4)
        {
            Refill();
            used = 0;
        }
        return used++ switch { 0 => word0, 1 => word1, 2 => word2, _ => word3 };
    }

    /// <summary>A number in [0, 1) with 24 random bits.</summary>
    public float NextSingle() => (NextUInt32() >> 8) * (1f / (1 << 24));

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double NextDouble()
    {
        ulong bits = ((ulong)NextUInt32() << 32) | NextUInt32();
        return (bits >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>A whole number in 0 .. <paramref name="bound"/> - 1, without bias.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is not positive.</exception>
    public int NextInt32(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        // Lemire, "Fast random integer generation in an interval", 2019: reject the few values that would bias the result.
        ulong product = (ulong)NextUInt32() * (uint)bound;
        if ((uint)product < (uint)bound)
        {
            uint threshold = (uint)(-bound) % (uint)bound;
            while ((uint)product < threshold)
                product = (ulong)NextUInt32() * (uint)bound;
        }
        return (int)(product >> 32);
    }

    /// <summary>A standard normal number (Box and Muller, 1958).</summary>
    public double NextNormal()
    {
        double radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
        return radius * Math.Cos(2 * Math.PI * NextDouble());
    }

    /// <summary>Fills <paramref name="values"/> with normal numbers of mean 0 (Box and Muller, 1958), many at once: faster than one by one, and other numbers.</summary>
    /// <param name="values">Receives the numbers.</param>
    /// <param name="deviation">Their standard deviation.</param>
    public void FillNormal(Span<float> values, float deviation)
    {
        Span<float> lengths = stackalloc float[NormalsAtOnce], turns = stackalloc float[NormalsAtOnce];
        while (values.Length > 0)
        {
            for (int i = 0; i < NormalsAtOnce; i++)
                (lengths[i], turns[i]) = (((NextUInt32() >> 9) + 0.5f) * (1f / (1 << 23)), NextSingle()); // 23 bits: exact, never 0
            for (int i = 0; i < NormalsAtOnce; i += Vector<float>.Count)
            {
                Vector<float> radius = Vector.SquareRoot(Vector.Log(new Vector<float>(lengths[i..])) * -2) * deviation;
                (Vector<float> sines, Vector<float> cosines) = Vector.SinCos(new Vector<float>(turns[i..]) * MathF.Tau);
                (radius * sines).CopyTo(lengths[i..]);
                (radius * cosines).CopyTo(turns[i..]);
            }
            int first = Math.Min(values.Length, NormalsAtOnce), second = Math.Min(values.Length - first, NormalsAtOnce);
            lengths[..first].CopyTo(values);
            turns[..second].CopyTo(values[first..]);
            values = values[(first + second)..];
        }
    }

    private const int NormalsAtOnce = 64; // a multiple of every vector's length, so that the numbers do not depend on it

    /// <summary>Puts <paramref name="items"/> in uniformly random order (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items) => ShuffleFront(items, items.Length);

    /// <summary>
    /// Moves a uniformly random choice of <paramref name="count"/> items, in random order, to the front of
    /// <paramref name="items"/>; the rest keeps every item once, in no particular order.
    /// </summary>
    public void ShuffleFront<T>(Span<T> items, int count)
    {
        for (int i = 0; i < count && i < items.Length - 1; i++)
        {
            int j = i + NextInt32(items.Length - i);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private void Refill()
    {
        uint c0 = block++, c1 = counter1, c2 = counter2, c3 = counter3;
        uint k0 = key0, k1 = key1;
        for (int round = 0; round < 10; round++)
        {
            uint high0 = (uint)(Math.BigMul(Multiplier0, c0) >> 32), low0 = Multiplier0 * c0;
            uint high1 = (uint)(Math.BigMul(Multiplier1, c2) >> 32), low1 = Multiplier1 * c2;
            (c0, c1, c2, c3) = (high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0);
            k0 += Weyl0;
            k1 += Weyl1;
        }
        (word0, word1, word2, word3) = (c0, c1, c2, c3);
    }
}
