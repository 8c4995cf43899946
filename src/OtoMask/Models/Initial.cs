using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>How first values are drawn (docs/method.md section 3), from a stream of (seed, position of the parameter).</summary>
/// <param name="seed">The run's seed.</param>
internal sealed class Initial(ulong seed)
{
    public static Initialiser Zeros { get; } = static (values, _) => values.Clear();

    public static Initialiser Ones { get; } = static (values, _) => values.Fill(1);

    /// <summary>Uniform in +-sqrt(6 / (inputs + outputs)): Glorot and Bengio, 2010.</summary>
    public Initialiser Xavier(int inputs, int outputs) => Uniform(Math.Sqrt(6.0 / (inputs + outputs)));

    public Initialiser Uniform(double bound) => (values, position) =>
    {
        RandomStream random = Stream(position);
        foreach (ref float value in values)
            value = (float)((2 * random.NextDouble() - 1) * bound);
    };

    public Initialiser Normal(double deviation) => (values, position) =>
    {
        RandomStream random = Stream(position);
        foreach (ref float value in values)
            value = (float)(random.NextNormal() * deviation);
    };

    private RandomStream Stream(int position) => new(seed, RandomPurpose.Initialisation, 0, position);
}
