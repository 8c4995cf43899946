using OtoMask.Geometry;
using OtoMask.Torch;

namespace OtoMask.Models;

// B clips, K masks of each, (Nf, Nt) grid, L = Nf * Nt patches, Lm of them masked, D width of the encoder, Dd of the decoder.

/// <summary>
/// What stands behind EAT's encoder: convolutions over the grid of patches. Encoded patches lie in their cells, noise in those of masked ones; neither has positions.
/// </summary>
/// <remarks>Chen et al., arXiv 2401.03497, after Baevski et al., arXiv 2212.07525. docs/method.md section 10. A layer: convolution in groups of channels, layer
/// normalisation over the channels without scale and shift, GELU; its input is added where it has as many channels.</remarks>
internal sealed class ConvolutionalDecoder
{
    /// <summary>Cells along each side of what a convolution looks at.</summary>
    public const int Kernel = 3;

    /// <summary>The field's names for the weights of the first layer, [Dd, D / groups, k, k], and of the last, [D, Dd].</summary>
    public const string First = BlocksName + ".0.0.weight", Last = "decoder.proj.weight";

    /// <summary>What the names of its layers begin with.</summary>
    public const string BlocksName = "decoder.blocks";

    private const double Epsilon = 1e-5;
    private readonly PatchGrid grid;
    private readonly int groups;
    private readonly (Parameter Weight, Parameter Bias)[] layers;
    private readonly Parameter weight, bias;

    /// <param name="shape">Sizes of the model; the heads of its decoder are the groups of channels.</param>
    /// <param name="parameters">Where its parameters are declared.</param>
    /// <param name="initial">Draws their first values.</param>
    public ConvolutionalDecoder(ModelShape shape, ParameterSet parameters, Initial initial)
    {
        (grid, groups) = (shape.Grid, shape.Decoder.Heads);
        int width = shape.Encoder.Width, inside = shape.Decoder.Width;
        layers = new (Parameter, Parameter)[shape.Decoder.Depth];
        for (int i = 0; i < layers.Length; i++)
        {
            int inputs = (i == 0 ? width : inside) / groups;
            Initialiser uniform = initial.Uniform(1 / Math.Sqrt(inputs * Kernel * Kernel));
            layers[i] = (parameters.Add($"{BlocksName}.{i}.0.weight", uniform, inside, inputs, Kernel, Kernel), parameters.Add($"{BlocksName}.{i}.0.bias", uniform, inside));
        }
        Initialiser last = initial.Uniform(1 / Math.Sqrt(inside));
        (weight, bias) = (parameters.Add(Last, last, width, inside), parameters.Add("decoder.proj.bias", last, width));
    }

    /// <summary>Says something about every masked patch: [B * K, Lm, D].</summary>
    /// <param name="encoded">[B * K, Lv, D], what the encoder makes of the visible patches, without CLS.</param>
    /// <param name="visibleIds">[B * K, Lv].</param>
    /// <param name="noise">[B * K, Lm, D], what lies in the cells of the masked ones.</param>
    /// <param name="maskedIds">[B * K, Lm].</param>
    public Tensor Forward(Tensor encoded, Tensor visibleIds, Tensor noise, Tensor maskedIds)
    {
        using var scope = new TensorScope();
        Tensor places = Tensor.Cat(1, visibleIds, maskedIds).SortedPlaces(); // [B * K, L]: where the patch of each cell stands
        Tensor cells = PatchBatch.Gather(Tensor.Cat(1, encoded.To(DType.Float32), noise), places); // [B * K, L, D]
        foreach ((Parameter Weight, Parameter Bias) layer in layers)
            cells = Layer(cells, layer.Weight, layer.Bias);
        return scope.Keep(F.Linear(PatchBatch.Gather(cells, maskedIds), weight, bias));
    }

    private Tensor Layer(Tensor cells, Tensor weight, Tensor bias)
    {
        using var scope = new TensorScope();
        long rows = cells.Shape[0], inputs = cells.Shape[2], outputs = bias.Count;
        Tensor image = cells.View(rows, grid.Rows, grid.Columns, inputs).Permute(0, 3, 1, 2); // channels last in memory, as the tokens lie
        Tensor mixed = F.Convolution(image, weight, bias, groups).Permute(0, 2, 3, 1).Reshape(rows, grid.Count, outputs);
        return scope.Keep(F.NormGelu(mixed.To(DType.Float32), inputs == outputs ? cells : null, Epsilon));
    }
}
