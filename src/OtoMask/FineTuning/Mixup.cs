using OtoMask.Randomness;

namespace OtoMask.FineTuning;

/// <summary>Mixes every waveform of a batch, and its targets, with those of another place of the batch: x = l x + (1 - l) x'.</summary>
/// <remarks>Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018; a coefficient l ~ Beta(a, a) for each clip.</remarks>
internal static class Mixup
{
    /// <summary>Mixes in place.</summary>
    /// <param name="waveforms">B waveforms of one length.</param>
    /// <param name="targets">[B, C].</param>
    /// <param name="alpha">a, above 0.</param>
    /// <param name="random">Draws the partners, a permutation of the places, and the coefficients.</param>
    public static void Apply(float[][] waveforms, float[] targets, double alpha, RandomStream random)
    {
        int batch = waveforms.Length, classes = targets.Length / batch;
        int[] partners = [.. Enumerable.Range(0, batch)];
        random.Shuffle<int>(partners);
        float[][] alone = [.. waveforms.Select(waveform => waveform.ToArray())];
        float[] ownTargets = [.. targets];
        for (int place = 0; place < batch; place++)
        {
            float share = (float)Beta(alpha, ref random);
            Mix(waveforms[place], alone[partners[place]], share);
            Mix(targets.AsSpan(place * classes, classes), ownTargets.AsSpan(partners[place] * classes, classes), share);
        }
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

    private static void Mix(Span<float> own, ReadOnlySpan<float> other, float share)
    {
        for (int i = 0; i < own.Length; i++)
            own[i] = share * own[i] + (1 - share) * other[i];
    }
}
