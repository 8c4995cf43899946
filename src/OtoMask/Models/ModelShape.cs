using OtoMask.Geometry;

namespace OtoMask.Models;

/// <summary>Width, depth and heads of a stack of transformer blocks.</summary>
/// <param name="Width">D, values of one token.</param>
/// <param name="Depth">Number of blocks.</param>
/// <param name="Heads">Attention heads; they divide the width.</param>
public sealed record BlockShape(int Width, int Depth, int Heads)
{
    private const int MostWidth = 16_384, MostDepth = 1_000; // the largest matrix, 4 D x D, still has an int of values

    /// <summary>What stands behind the numbers of a shape whose norms follow the residual sums.</summary>
    internal const string PostNormMark = "post-norm";

    /// <summary>Whether norms follow the residual sums, as in EAT's published encoder, instead of standing before attention and MLP.</summary>
    public bool PostNorm { get; init; }

    /// <summary>The notation of configurations, for example <c>192/12/3</c>, or <c>768/12/12/post-norm</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Width}/{Depth}/{Heads}{(PostNorm ? "/" + PostNormMark : "")}");

    /// <summary>Fails with one clear line where the numbers make no transformer.</summary>
    /// <param name="what">Whose shape it is, for the message.</param>
    /// <exception cref="UserErrorException">A number is not positive, or the heads do not divide the width.</exception>
    public void Validate(string what)
    {
        if (Width < 1 || Depth < 1 || Heads < 1)
            throw new UserErrorException($"{what}: width {Width}, depth {Depth} and heads {Heads} must all be at least 1");
        if (Width > MostWidth || Depth > MostDepth)
            throw new UserErrorException($"{what}: width {Width} and depth {Depth} are too large; give at most {MostWidth} and {MostDepth}");
        if (Width % Heads != 0)
            throw new UserErrorException($"{what}: {Heads} heads do not divide a width of {Width}; choose a divisor");
        if (Width % 4 != 0)
            throw new UserErrorException($"{what}: a width of {Width} cannot hold sine-cosine positions; choose a multiple of 4");
    }
}

/// <summary>Everything that fixes the shapes of an encoder: its input, cut in patches, and the transformer that reads them.</summary>
/// <param name="Input">F x T values of log-mel, in patches of ph x pw.</param>
/// <param name="Encoder">The vision transformer that is kept after pre-training.</param>
public record EncoderShape(InputGeometry Input, BlockShape Encoder)
{
    private const int MostPatches = 1 << 17;

    /// <summary>(Nf, Nt), the patches along frequency and time.</summary>
    public PatchGrid Grid => Input.Grid;

    /// <summary>P = ph * pw, values of a patch.</summary>
    public int PatchSize => Input.PatchSize;

    /// <summary>L = Nf * Nt.</summary>
    public int PatchCount => Grid.Count;

    /// <summary>Fails with one clear line on impossible numbers.</summary>
    /// <exception cref="UserErrorException">A size is not positive, a width does not fit its heads, or there are too many patches.</exception>
    public virtual void Validate()
    {
        if (PatchCount > MostPatches)
            throw new UserErrorException($"a grid of {Grid.Rows}x{Grid.Columns} patches is more than the {MostPatches} that attention can look at; make the input shorter or the patches larger");
        Encoder.Validate("encoder");
    }
}

/// <summary>Everything that fixes the shapes of a model in training: the encoder, and what predicts hidden patches from what it says.</summary>
/// <param name="Input">F x T values of log-mel, in patches of ph x pw.</param>
/// <param name="Encoder">The vision transformer that is kept after pre-training.</param>
/// <param name="Decoder">The decoder of MSM-MAE or the predictor of M2D.</param>
public sealed record ModelShape(InputGeometry Input, BlockShape Encoder, BlockShape Decoder) : EncoderShape(Input, Encoder)
{
    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Decoder.Validate("decoder");
        if (Decoder.PostNorm)
            throw new UserErrorException($"decoder: {BlockShape.PostNormMark} is of encoders; leave it out");
    }
}

/// <summary>The sizes that the field knows by name (docs/method.md section 3).</summary>
public static class KnownSizes
{
    /// <summary>Names, smallest first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["tiny", "small", "base", "large"];

    /// <summary>The encoder of a named size.</summary>
    /// <exception cref="UserErrorException">No size has that name.</exception>
    public static BlockShape Encoder(string size) => size switch
    {
        "tiny" => new(192, 12, 3),
        "small" => new(384, 12, 6),
        "base" => new(768, 12, 12),
        "large" => new(1024, 24, 16),
        _ => throw Unknown(size),
    };

    /// <summary>Attention heads of a width for which nobody says how many: width / 64, at least 1.</summary>
    internal static int DefaultHeads(int width) => Math.Max(1, width / HeadWidth);

    private const int HeadWidth = 64;

    internal static UserErrorException Unknown(string size) => new($"unknown size '{size}'; choose one of {string.Join(", ", Names)}");
}
