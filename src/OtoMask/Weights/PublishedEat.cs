using OtoMask.Interop;
using OtoMask.Models;

namespace OtoMask.Weights;

// T time steps and F = 8 frequency patches of the stored table of positions, D width, (Nf, Nt) grid of the input.

/// <summary>The published checkpoints of EAT, in our names and our order of patches: frequency by time, where theirs is time by frequency.</summary>
/// <remarks>Chen et al., arXiv 2401.03497. docs/method.md section 10. Their encoder is post-norm (<see cref="BlockShape.PostNorm"/>), their teacher lies in a dictionary of its own.</remarks>
internal sealed class PublishedEat
{
    private const string Modality = "modality_encoders.IMAGE.", PatchWeight = Modality + "local_encoder.proj.weight", Positions = Modality + "fixed_positional_encoder.positions";
    private const string Teacher = "_ema.";
    private const int Bands = 128, TrainedSteps = 64; // 1024 frames; the table may go on to 12,288
    private readonly string source, prefix;
    private readonly IReadOnlyDictionary<string, HostTensor> stored;

    private PublishedEat(string source, string prefix, IReadOnlyDictionary<string, HostTensor> stored) => (this.source, this.prefix, this.stored) = (source, prefix, stored);

    /// <summary>The checkpoint that tensors of a file make, under whatever prefix; null where they are of another model.</summary>
    public static PublishedEat? In(string source, IReadOnlyDictionary<string, HostTensor> tensors) =>
        tensors.Keys.FirstOrDefault(name => name.EndsWith(PatchWeight, StringComparison.Ordinal) && !name.Contains(Teacher, StringComparison.Ordinal)) is { } name
            ? new PublishedEat(source, name[..^PatchWeight.Length], tensors)
            : null;

    /// <summary>What it was trained with, as far as the file and the paper say.</summary>
    /// <param name="root">Everything in the file.</param>
    public StatedGeometry Stated(object? root)
    {
        var model = ((root as PickledDictionary)?.GetValueOrDefault("cfg") as PickledDictionary)?.GetValueOrDefault("model") as PickledDictionary;
        int? Number(string key) => model?.GetValueOrDefault(key) is long number and > 0 and <= int.MaxValue ? (int)number : null;
        (int height, int width) = PatchSides;
        long steps = stored.GetValueOrDefault(prefix + Positions)?.Shape is [_, var rows, _] ? Math.Min(rows / (Bands / height), TrainedSteps) : TrainedSteps;
        return new StatedGeometry("the published recipe of EAT") { Input = (Bands, (int)steps * width), SampleRate = 16000, Heads = Number("num_heads"), Depth = Number("depth") };
    }

    /// <summary>Its tensors by our names, patches and positions by frequency and time.</summary>
    /// <param name="input">Mel bands and frames of the input, for which the table of positions is cut.</param>
    /// <exception cref="UserErrorException">The table of positions is not one for such an input.</exception>
    public Dictionary<string, HostTensor> Tensors((int Bands, int Frames) input)
    {
        var renamed = new Dictionary<string, HostTensor>();
        foreach ((string name, HostTensor tensor) in stored)
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal))
                renamed[name] = tensor;
            else if (name[prefix.Length..] is var inside && !inside.StartsWith(Teacher, StringComparison.Ordinal))
                Add("", inside, tensor);
            else if (inside != Teacher + Positions) // a copy of the student's
                Add("target_", inside[Teacher.Length..], tensor);
        }
        return renamed;

        void Add(string role, string name, HostTensor tensor) =>
            renamed[role + NameOf(name)] = name == Positions ? ByFrequency(tensor, input) : tensor.Shape.Length == 4 ? Transposed(tensor) : tensor;
    }

    private (int Height, int Width) PatchSides => stored[prefix + PatchWeight].Shape is [_, _, > 0 and <= Bands and var frames, > 0 and <= Bands and var bands]
        ? ((int)bands, (int)frames)
        : throw new UserErrorException($"{source}: {PatchWeight} of shape [{string.Join(", ", stored[prefix + PatchWeight].Shape)}] does not embed patches of one log-mel; use another copy");

    private static string NameOf(string name) => !name.StartsWith(Modality, StringComparison.Ordinal) ? name
        : name == Positions ? "pos_embed"
        : name[Modality.Length..]
            .Replace("extra_tokens", "cls_token", StringComparison.Ordinal)
            .Replace("local_encoder.", "patch_embed.", StringComparison.Ordinal)
            .Replace("context_encoder.norm.", $"norm{BlockStack.BeforeBlocks}.", StringComparison.Ordinal);

    /// <summary>[1, T * F, D], id t * F + f -> [1, 1 + Nf * Nt, D], row 1 + f * Nt + t; that of CLS is zeros.</summary>
    private HostTensor ByFrequency(HostTensor table, (int Bands, int Frames) input)
    {
        (int height, int patchWidth) = PatchSides;
        (int rows, int columns) = (input.Bands / height, input.Frames / patchWidth);
        if (table.Shape is not [1, var count, > 0 and <= int.MaxValue and var size] || rows < 1 || count % rows != 0 || count / rows < columns)
            throw new UserErrorException(
                $"{source}: its positions [{string.Join(", ", table.Shape)}] are not for an input of {input.Bands}x{input.Frames}; give the `Input` it was trained with, for example 128x1024");
        int width = (int)size;
        float[] theirs = table.ToFloats(), ours = new float[(1 + rows * columns) * width];
        for (int f = 0; f < rows; f++)
        {
            for (int t = 0; t < columns; t++)
                theirs.AsSpan((t * rows + f) * width, width).CopyTo(ours.AsSpan((1 + f * columns + t) * width, width));
        }
        return HostTensor.FromFloats(ours, 1, 1 + rows * columns, width);
    }

    /// <summary>The last two dimensions exchanged: of the patch map, and of the decoder's convolutions.</summary>
    private static HostTensor Transposed(HostTensor tensor)
    {
        (int rows, int columns) = ((int)tensor.Shape[2], (int)tensor.Shape[3]);
        float[] theirs = tensor.ToFloats(), ours = new float[theirs.Length];
        for (int i = 0; i < theirs.Length; i++)
        {
            int image = i / (rows * columns), row = i / columns % rows, column = i % columns;
            ours[image * rows * columns + column * rows + row] = theirs[i];
        }
        return HostTensor.FromFloats(ours, tensor.Shape[0], tensor.Shape[1], columns, rows);
    }
}
