using OtoMask.Randomness;

namespace OtoMask.FineTuning;

/// <summary>With what every clip of a batch is mixed, waveform and targets alike: x = l x + (1 - l) x'.</summary>
/// <remarks>Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018; a coefficient l ~ Beta(a, a) for each clip.</remarks>
/// <param name="Partners">For each of the B places of the batch that of the other clip, a permutation.</param>
/// <param name="Shares">l for each of them.</param>
internal sealed record Mixup(int[] Partners, float[] Shares)
{
    /// <summary>Draws partners and coefficients.</summary>
    /// <param name="batch">B.</param>
    /// <param name="alpha">a, above 0.</param>
    /// <param name="random">Draws them.</param>
    public static Mixup Draw(int batch, double alpha, RandomStream random)
    {
        int[] partners = [.. Enumerable.Range(0, batch)];
        random.Shuffle<int>(partners);
        float[] shares = new float[batch];
        for (int place = 0; place < batch; place++)
            shares[place] = (float)Beta(alpha, ref random);
        return new Mixup(partners, shares);
    }

    /// <summary>Values of the clip at a place mixed with those of its partner.</summary>
    /// <param name="place">Place in the batch.</param>
    /// <param name="own">Waveform or targets of the clip there.</param>
    /// <param name="partner">Those of its partner, as many.</param>
    public float[] Apply(int place, float[] own, float[] partner)
    {
        float share = Shares[place];
        var mixed = new float[own.Length];
        for (int i = 0; i < mixed.Length; i++)
            mixed[i] = share * own[i] + (1 - share) * partner[i];
        return mixed;
    }

    /// <summary>A number of Beta(a, a), in 0 .. 1.</summary>
    internal static double Beta(double alpha, ref RandomStream random)
    {
        double first = Gamma(alpha, ref random), second = Gamma(alpha, ref random);
        double sum = first + second;
        return sum > 0 ? first / sum : random.NextInt32(2); // of a tiny a both may vanish: then it is one of the ends
    }

    /// <summary>A number of Gamma(shape, 1): Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.</summary>
    private static double Gamma(double shape, ref RandomStream random)
    {
        if (shape < 1)
            return Gamma(shape + 1, ref random) * Math.Pow(1 - random.NextDouble(), 1 / shape);
        double d = shape - 1.0 / 3, c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double x = random.NextNormal(), v = Math.Pow(1 + c * x, 3), u = 1 - random.NextDouble();
            if (v > 0 && Math.Log(u) < 0.5 * x * x + d - d * v + d * Math.Log(v))
                return d * v;
        }
    }
}
