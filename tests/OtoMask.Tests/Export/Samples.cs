using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Export;
using OtoMask.Models;
using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.Tests.Export;

/// <summary>Small models whose every parameter matters: none is zero or one, as untrained biases and norms are.</summary>
internal static class Samples
{
    private static readonly InputGeometry Input = new(80, 48, 16, 8);

    public static EncoderSnapshot Model(Framework framework = Framework.M2d, InputGeometry? input = null, LogMelSettings? logMel = null)
    {
        EncoderSnapshot encoder = Create(framework, input ?? Input, new BlockShape(32, 2, 4), new BlockShape(16, 1, 2), logMel ?? LogMelSettings.Default);
        Perturb(encoder.Model.Trained.Values);
        Perturb(encoder.Model.EncoderPositions.Values); // as learnt ones would be, CLS included
        return encoder;
    }

    /// <summary>The shape and normalisation of the reference models m2d.pth, msm_mae.pth and the published folder beside them; their weights are to be loaded.</summary>
    public static EncoderSnapshot Reference(Framework framework) =>
        Create(framework, new InputGeometry(80, 96, 16, 16), new BlockShape(48, 2, 3), new BlockShape(32, 2, 4), LogMelSettings.Default);

    private static EncoderSnapshot Create(Framework framework, InputGeometry input, BlockShape encoder, BlockShape decoder, LogMelSettings logMel) =>
        new(MaskedModel.Create(framework, ModelShapes.Of(input, encoder, decoder), seed: 5, Device.Cpu), input, new NormalisationStatistics(-6.41f, 3.7f), logMel, ownsModel: true);

    public static ExportedModel Exported(EncoderSnapshot encoder, bool encoderOnly = false) =>
        new(encoder, encoder.Model is M2d ? Framework.M2d : Framework.MsmMae, encoderOnly);

    private static void Perturb(Tensor values)
    {
        var random = new RandomStream(3, RandomPurpose.Crop, 0, 0);
        using var scope = new TensorScope();
        using IDisposable frozen = TorchRuntime.NoGrad();
        int count = (int)values.Shape.Aggregate(1L, (product, size) => product * size);
        values.CopyFrom(values + Tensor.From([.. Enumerable.Range(0, count).Select(_ => 0.1f * (float)random.NextNormal())], values.Shape));
    }
}
