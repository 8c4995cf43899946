using System.Globalization;

namespace OtoMask.Evaluation;

/// <summary>An interval in print.</summary>
/// <param name="Value">The estimate.</param>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
internal readonly record struct IntervalText(string Value, string Low, string High)
{
    /// <summary>A score in %: one decimal.</summary>
    public static IntervalText OfScore(Interval interval) => new(Score(interval.Value), Score(interval.Low), Score(interval.High));

    /// <summary>A score in %: one decimal.</summary>
    public static string Score(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);

    /// <summary>
    /// A difference with its signs: one decimal, more where an end would else read as zero and nobody could see on which side of it the
    /// interval lies.
    /// </summary>
    public static IntervalText OfDifference(Interval interval)
    {
        int digits = Math.Max(DigitsThatShow(interval.Low), DigitsThatShow(interval.High));
        return new IntervalText(Difference(interval.Value, digits), Difference(interval.Low, digits), Difference(interval.High, digits));
    }

    /// <summary>A difference with its sign.</summary>
    public static string Difference(double value, int digits = 1)
    {
        string decimals = new('0', digits);
        return value.ToString($"+0.{decimals};-0.{decimals};0.{decimals}", CultureInfo.InvariantCulture);
    }

    /// <summary>For example <c>+0.6 (-0.4 to +1.6)</c>.</summary>
    public override string ToString() => $"{Value} ({Low} to {High})";

    private static int DigitsThatShow(double end)
    {
        int digits = 1;
        while (Math.Abs(end) > Interval.Noise && Difference(end, digits)[0] == '0')
            digits++;
        return digits;
    }
}
