using OtoMask.Data;
using OtoMask.Models;

namespace OtoMask.Evaluation;

/// <summary>Where the input of the data meets the shape of a model.</summary>
public static class ModelShapes
{
    /// <summary>The shape of a model for an input.</summary>
    /// <param name="input">Its input and patches.</param>
    /// <param name="encoder">Width, depth and heads of the encoder.</param>
    /// <param name="decoder">Those of the decoder or predictor; null where nothing is decoded.</param>
    public static ModelShape Of(InputGeometry input, BlockShape encoder, BlockShape? decoder = null) => new()
    {
        GridRows = input.Grid.Rows,
        GridColumns = input.Grid.Columns,
        PatchHeight = input.PatchHeight,
        PatchWidth = input.PatchWidth,
        Encoder = encoder,
        Decoder = decoder ?? ModelShape.NoDecoder,
    };
}
