using System.Globalization;
using System.Text.RegularExpressions;
using OtoMask.Geometry;
using OtoMask.Interop;

namespace OtoMask.Weights;

/// <summary>What one place says about a foreign model's geometry: the user, the arguments stored in the file, or a name.</summary>
/// <param name="Place">The place, for messages.</param>
internal sealed partial record StatedGeometry(string Place)
{
    /// <summary>Mel bands and frames.</summary>
    public (int Bands, int Frames)? Input { get; init; }

    /// <summary>Mel bands and frames of a patch.</summary>
    public (int Height, int Width)? Patch { get; init; }

    /// <summary>In Hz.</summary>
    public int? SampleRate { get; init; }

    /// <summary>Attention heads of the encoder.</summary>
    public int? Heads { get; init; }

    /// <summary>Blocks of the encoder.</summary>
    public int? Depth { get; init; }

    /// <summary>Attention heads of the decoder or predictor.</summary>
    public int? DecoderHeads { get; init; }

    /// <summary>What the user says.</summary>
    /// <exception cref="UserErrorException">A text is not NUMBERxNUMBER.</exception>
    public static StatedGeometry Of(GeometryHints hints) => new("`GeometryHints`")
    {
        Input = hints.Input is { } input ? InputGeometry.ParsePair(input, "input", "80x608") : null,
        Patch = hints.Patch is { } patch ? InputGeometry.ParsePair(patch, "patch", "16x16") : null,
        SampleRate = hints.SampleRate,
        Heads = hints.Heads,
        DecoderHeads = hints.DecoderHeads,
    };

    /// <summary>What a training program stored beside the weights (an <c>argparse</c> namespace under <c>args</c>).</summary>
    /// <param name="root">Everything in the file.</param>
    public static StatedGeometry OfArguments(object? root)
    {
        PickledDictionary? arguments = (root as PickledDictionary)?.GetValueOrDefault("args") switch
        {
            PickledDictionary items => items,
            PickledObject { State: PickledDictionary items } => items,
            _ => null,
        };
        return new StatedGeometry("the arguments stored in it")
        {
            Input = Pair(arguments?.GetValueOrDefault("input_size")),
            Patch = Pair(arguments?.GetValueOrDefault("patch_size")),
            SampleRate = Number("sample_rate"),
            Heads = Number("num_heads"),
            Depth = Number("depth"),
            DecoderHeads = Number("decoder_num_heads"),
        };

        int? Number(string key) => arguments?.GetValueOrDefault(key) is long number and > 0 and <= int.MaxValue ? (int)number : null;
    }

    /// <summary>The same as text, in the metadata of safetensors that <see cref="Export"/> writes.</summary>
    public static StatedGeometry OfMetadata(IReadOnlyDictionary<string, string> metadata)
    {
        return new StatedGeometry("its metadata")
        {
            Input = Sides("input_size"),
            Patch = Sides("patch_size"),
            SampleRate = Number(metadata.GetValueOrDefault("sample_rate")),
            Heads = Number(metadata.GetValueOrDefault("num_heads")),
            Depth = Number(metadata.GetValueOrDefault("depth")),
            DecoderHeads = Number(metadata.GetValueOrDefault("decoder_num_heads")),
        };

        (int, int)? Sides(string key) =>
            metadata.GetValueOrDefault(key)?.Split('x') is [var first, var second] && Number(first) is { } one && Number(second) is { } other ? (one, other) : null;

        static int? Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and <= 1 << 20 ? number : null;
    }

    /// <summary>What the names of a file and its folder say, as published: <c>m2d_vit_base-80x608p16x16p16k-...</c> (docs/method.md section 8).</summary>
    public static IEnumerable<StatedGeometry> OfNames(string path)
    {
        string full = Path.GetFullPath(path);
        foreach (string name in (string[])[Path.GetFileName(full), Path.GetFileName(Path.GetDirectoryName(full)) ?? ""])
        {
            if (PublishedName().Match(name) is not { Success: true } match)
                continue;
            int[] numbers = [.. match.Groups.Values.Skip(1).Where(number => number.Success).Select(number => int.Parse(number.ValueSpan, CultureInfo.InvariantCulture))];
            yield return new StatedGeometry($"the name {name}")
            {
                Input = (numbers[0], numbers[1]),
                Patch = (numbers[2], numbers[3]),
                SampleRate = numbers is [.., var kilohertz] and { Length: 5 } ? 1000 * kilohertz : null,
            };
        }
    }

    /// <summary>A list of two whole numbers, or one for both.</summary>
    private static (int, int)? Pair(object? value) => value switch
    {
        List<object?> and [long first, long second] when Fits(first) && Fits(second) => ((int)first, (int)second),
        long both when Fits(both) => ((int)both, (int)both),
        _ => null,
    };

    private static bool Fits(long side) => side is >= 0 and <= 1 << 20;

    [GeneratedRegex(@"(?<!\d)(\d{1,6})x(\d{1,6})p(\d{1,6})x(\d{1,6})(?:p(\d{1,3})k)?(?![\dx])")]
    private static partial Regex PublishedName();
}
