namespace OtoMask.Models;

/// <summary>Width, depth and heads of a stack of transformer blocks.</summary>
/// <param name="Width">D, values of one token.</param>
/// <param name="Depth">Number of blocks.</param>
/// <param name="Heads">Attention heads; they divide the width.</param>
public sealed record BlockShape(int Width, int Depth, int Heads)
{
    private const int MostWidth = 16_384, MostDepth = 1_000; // the largest matrix, 4 D x D, still has an int of values

    /// <summary>The notation of configurations, for example <c>192/12/3</c>.</summary>
    public override string ToString() => FormattableString.Invariant($"{Width}/{Depth}/{Heads}");

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

/// <summary>Everything that fixes the shapes of a model: input, patches, encoder and decoder (or predictor).</summary>
public sealed record ModelShape
{
    private const int MostPatches = 1 << 17;

    /// <summary>Nf, patches along frequency.</summary>
    public required int GridRows { get; init; }

    /// <summary>Nt, patches along time.</summary>
    public required int GridColumns { get; init; }

    /// <summary>ph, mel bands of a patch.</summary>
    public required int PatchHeight { get; init; }

    /// <summary>pw, frames of a patch.</summary>
    public required int PatchWidth { get; init; }

    /// <summary>The vision transformer that is kept after pre-training.</summary>
    public required BlockShape Encoder { get; init; }

    /// <summary>The decoder of MSM-MAE or the predictor of M2D.</summary>
    public required BlockShape Decoder { get; init; }

    /// <summary>Stands where nothing is decoded.</summary>
    internal static BlockShape NoDecoder { get; } = new(Width: 4, Depth: 1, Heads: 1);

    /// <summary>P = ph * pw, values of a patch.</summary>
    public int PatchSize => PatchHeight * PatchWidth;

    /// <summary>L = Nf * Nt.</summary>
    public int PatchCount => GridRows * GridColumns;

    /// <summary>Fails with one clear line on impossible numbers.</summary>
    /// <exception cref="UserErrorException">A size is not positive or a width does not fit its heads.</exception>
    public void Validate()
    {
        if (GridRows < 1 || GridColumns < 1 || PatchHeight < 1 || PatchWidth < 1)
            throw new UserErrorException($"a grid of {GridRows}x{GridColumns} patches of {PatchHeight}x{PatchWidth} is empty; make the input at least as large as a patch");
        if ((long)GridRows * GridColumns > MostPatches)
            throw new UserErrorException($"a grid of {GridRows}x{GridColumns} patches is more than the {MostPatches} that attention can look at; make the input shorter or the patches larger");
        Encoder.Validate("encoder");
        Decoder.Validate("decoder");
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

    /// <summary>The decoder (MSM-MAE) or predictor (M2D) that goes with it.</summary>
    /// <exception cref="UserErrorException">No size has that name.</exception>
    public static BlockShape Decoder(string size, Framework framework) => (size, framework) switch
    {
        ("tiny", Framework.M2d) => new(192, 4, 3),
        ("small", Framework.M2d) => new(256, 8, 8),
        ("base" or "large", Framework.M2d) => new(512, 8, 16),
        ("tiny", Framework.MsmMae) => new(96, 2, 3),
        ("small", Framework.MsmMae) => new(192, 4, 3),
        ("base" or "large", Framework.MsmMae) => new(384, 4, 6),
        _ => throw Unknown(size),
    };

    private static UserErrorException Unknown(string size) => new($"unknown size '{size}'; choose one of {string.Join(", ", Names)}");
}

/// <summary>How the hidden patches are predicted.</summary>
public enum Framework
{
    /// <summary>Masked Modeling Duo: predict what a target network makes of the masked patches (arXiv 2210.14648).</summary>
    M2d,

    /// <summary>Masked autoencoder: predict the values of the masked patches (Niizumi et al. 2022).</summary>
    MsmMae,
}
