using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Export;
using OtoMask.FineTuning;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Randomness;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Export;

/// <summary>Small models whose every parameter matters: none is zero or one, as untrained biases and norms are.</summary>
internal static class Samples
{
    /// <summary>What a fine-tuned model tells apart.</summary>
    public static readonly string[] Classes = ["bell", "\"rim\", or side", "大鼓"];

    private static readonly InputGeometry Input = new(80, 48, 16, 8);

    public static SampleModel Model(Framework? framework = null, InputGeometry? input = null, LogMelSettings? logMel = null)
    {
        SampleModel sample = Create(framework ?? KnownFrameworks.M2d, input ?? Input, new BlockShape(32, 2, 4), new BlockShape(16, 1, 2), logMel ?? LogMelSettings.Default);
        Perturb(sample.Model.Trained.Values);
        Perturb(sample.Encoder.Positions.Values); // as learnt ones would be, CLS included
        return sample;
    }

    /// <summary>A reference model of the fixtures, m2d.pth, msm_mae.pth or that of the published folder: the shapes of any set, weights and normalisation of this one.</summary>
    public static SampleModel Reference(Framework framework, string fixture)
    {
        IReadOnlyDictionary<string, HostTensor> published = PyTorchCheckpoint.Read(Fixture.Path(fixture)).Tensors;
        float[] statistics = published["norm_stats"].ToFloats();
        SampleModel sample = Create(
            framework, new InputGeometry(80, 96, 16, 16), new BlockShape(48, 2, 3), new BlockShape(32, 2, 4), LogMelSettings.Default, new NormalisationStatistics(statistics[0], statistics[1]));
        ModelWeights.Load(sample.Model, published, fixture);
        return sample;
    }

    private static SampleModel Create(
        Framework framework, InputGeometry input, BlockShape encoder, BlockShape decoder, LogMelSettings logMel, NormalisationStatistics? statistics = null) => new(
            framework.CreateModel(new ModelShape(input, encoder, decoder), seed: 5, Device.Cpu), statistics ?? new NormalisationStatistics(-6.41f, 3.7f), logMel);

    /// <summary>Writes a fine-tuned model that hears 80 x 48 log-mels, as if it had learnt from clips of that many samples (of 7520 by default, which fill it).</summary>
    public static string FineTuned(string path, ClipFeature feature = ClipFeature.PerBand, bool multiLabel = false, int unitSamples = 47 * 160)
    {
        var config = new FineTuningConfig { Checkpoint = "/home/somebody/encoder", Task = "/home/somebody/task.csv", Epochs = 7 };
        var state = new FineTunedState(
            FineTunedState.CurrentVersion, Step: 5, OptimizerSteps: 5, FineTuningKeys.All.ToDictionary(config), Encoder: "32/2/4", Input: "80x48", Patch: "16x8", LogMelSettings.Default,
            unitSamples, Mean: -6.41f, Std: 3.7f, feature, Classes, multiLabel, TaskHash: "", new BestEpoch(3, 90, 0.1));
        using var model = new Classifier(state.ShapeOfModel(), feature, Classes.Length, seed: 5, Device.Cpu);
        foreach (Tensor values in (Tensor[])[model.Trained.Values, model.Positions.Values, .. model.Running.Select(running => running.Values)])
            Perturb(values);
        FineTunedCheckpoint.Write(path, model, optimizer: null, state);
        return path;
    }

    private static void Perturb(Tensor values)
    {
        var random = new RandomStream(3, RandomPurpose.Crop, 0, 0);
        using var scope = new TensorScope();
        using IDisposable frozen = TorchRuntime.NoGrad();
        int count = (int)values.Shape.Aggregate(1L, (product, size) => product * size);
        values.CopyFrom(values + Tensor.From([.. Enumerable.Range(0, count).Select(_ => 0.1f * (float)random.NextNormal())], values.Shape));
    }
}

/// <summary>A model with its encoder, which an export takes over.</summary>
internal sealed class SampleModel(MaskedModel model, NormalisationStatistics statistics, LogMelSettings logMel) : IDisposable
{
    public MaskedModel Model { get; } = model;

    public EncoderSnapshot Snapshot { get; } = new(model.Frozen, statistics, logMel);

    public FrozenEncoder Encoder => Model.Frozen;

    public ExportedModel Exported(bool encoderOnly = false) => new(Snapshot, Model.Framework, encoderOnly ? null : Model);

    public void Dispose() => Model.Dispose();
}
