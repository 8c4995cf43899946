using System.Globalization;

namespace OtoMask;

/// <summary>The numbers that an option or a value of a configuration may be; NaN is none of them.</summary>
/// <param name="Least">The smallest.</param>
/// <param name="Most">The largest.</param>
internal readonly record struct NumberRange(double Least, double Most)
{
    /// <summary>Shares, both ends included.</summary>
    public static NumberRange Share { get; } = new(0, 1);

    /// <summary>Shares of which something stays: neither nothing nor all.</summary>
    public static NumberRange TrueShare { get; } = new(0, 1) { IsAbove = true, IsBelow = true };

    /// <summary>Shares of which something stays, or nothing at all.</summary>
    public static NumberRange LessThanAll { get; } = new(0, 1) { IsBelow = true };

    /// <summary>Whether the numbers lie above <see cref="Least"/>, which is none of them.</summary>
    public bool IsAbove { get; init; }

    /// <summary>Whether they lie below <see cref="Most"/>, which is none of them.</summary>
    public bool IsBelow { get; init; }

    /// <summary>Whether a number is one of them.</summary>
    public bool Contains(double value) => (IsAbove ? value > Least : value >= Least) && (IsBelow ? value < Most : value <= Most);

    /// <summary>Refuses a number outside.</summary>
    /// <param name="name">Of the option or the value.</param>
    /// <param name="value">The number.</param>
    /// <exception cref="UserErrorException">It is outside.</exception>
    public void Require(string name, double value)
    {
        if (!Contains(value))
            throw new UserErrorException(string.Create(CultureInfo.InvariantCulture, $"{name} {value}: give a number {this}"));
    }

    /// <summary>As a sentence says it, for example <c>above 0 and up to 3600</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(IsAbove ? "above" : "from")} {Least} {(IsAbove ? IsBelow ? "and below" : "and up to" : IsBelow ? "to below" : "to")} {Most}");
}
