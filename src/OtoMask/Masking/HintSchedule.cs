namespace OtoMask.Masking;

/// <summary>How the hint ratio h falls over the epochs, so that training starts random and becomes informed.</summary>
/// <remarks>After Li et al., SemMAE, arXiv 2206.10207, and Niizumi et al., IJCNN 2026; docs/method.md section 2: h = 1 before the start
/// epoch, then h = 1 - (e/E)^k. The start is a share of the epochs, so that short runs are not silently all random.</remarks>
public sealed record HintSchedule
{
    /// <summary>The published schedule: start 1/6 (epoch 50 of 300), k = 2.</summary>
    public static HintSchedule Default { get; } = new();

    /// <summary>The first epoch with h below 1, as a share of all epochs, in [0, 1].</summary>
    public double Start { get; init; } = 1.0 / 6;

    /// <summary>k > 0; the larger, the longer the mask stays near random.</summary>
    public double Power { get; init; } = 2;

    /// <summary>If set, h is this in every epoch, in [0, 1], and the other two do not matter.</summary>
    public double? Constant { get; init; }

    /// <summary>The same h in every epoch.</summary>
    public static HintSchedule Fixed(double hintRatio) => new() { Constant = hintRatio };

    /// <summary>The hint ratio of one epoch.</summary>
    /// <param name="epoch">e, in 0 .. <paramref name="epochs"/> - 1.</param>
    /// <param name="epochs">E, all epochs of the run.</param>
    /// <exception cref="ArgumentOutOfRangeException">The epoch is not one of the run.</exception>
    public double At(int epoch, int epochs)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(epoch, epochs);
        const double RoundingOfShare = 1e-9; // a start of 0.1 in 30 epochs is epoch 3, though 0.1 * 30 > 3
        return Constant ?? (epoch < Start * epochs - RoundingOfShare ? 1 : 1 - Math.Pow((double)epoch / epochs, Power));
    }

    /// <summary>Refuses values out of range.</summary>
    /// <exception cref="UserErrorException">A value is out of range.</exception>
    public HintSchedule Validate()
    {
        if (Constant is { } constant && !(constant >= 0 && constant <= 1))
            throw new UserErrorException($"the hint ratio is {constant}; give a number from 0 (fully informed) to 1 (random)");
        if (!(Start >= 0 && Start <= 1))
            throw new UserErrorException(
                $"the hint schedule starts at {Start}; give the share of the epochs that stay random, from 0 to 1");
        if (!(Power > 0 && double.IsFinite(Power)))
            throw new UserErrorException($"the power of the hint schedule is {Power}; give a positive number such as 1, 2, 4 or 8");
        return this;
    }
}
