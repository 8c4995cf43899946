using OtoMask.Geometry;

namespace OtoMask.Masking;

/// <summary>The size of the blocks that some strategies are made of, in patches; at the edges of the grid they are cut.</summary>
/// <param name="Rows">Along frequency.</param>
/// <param name="Columns">Along time.</param>
public readonly record struct MaskBlock(int Rows, int Columns)
{
    private const int Most = 10_000;

    /// <summary>5 x 5, of all that publish one.</summary>
    public static MaskBlock Published { get; } = new(5, 5);

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    /// <param name="text">For example <c>5x5</c>.</param>
    /// <exception cref="UserErrorException">It is no size of a block.</exception>
    public static MaskBlock Parse(string text)
    {
        (int rows, int columns) = InputGeometry.ParsePair(text, "mask-block", $"{Published}");
        return rows is >= 1 and <= Most && columns is >= 1 and <= Most
            ? new MaskBlock(rows, columns)
            : throw new UserErrorException($"mask-block {text}: give patches along frequency x along time, from 1, for example {Published}");
    }

    /// <summary>Rows x columns, for example <c>5x5</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Rows}x{Columns}");
}
