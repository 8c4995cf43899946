using System.Diagnostics;
using OtoMask.App.Reports;
using OtoMask.Configuration;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Randomness;
using OtoMask.Runs;
using OtoMask.Torch;

namespace OtoMask.App.Demo;

/// <summary>One pre-trained model of the demo, with what its training told.</summary>
internal sealed class DemoEncoder : ITrainingObserver, IDisposable
{
    private readonly DemoProgress progress;
    private readonly PretrainingRun run;

    private DemoEncoder(string folder, PretrainingConfig config, DemoProgress progress, CancellationToken cancellation)
    {
        (Mask, this.progress) = (config.Mask, progress);
        run = PretrainingRun.Begin(folder, config, this, cancellation: cancellation);
    }

    /// <summary>The strategy it was trained with.</summary>
    public string Mask { get; }

    /// <summary>Its steps.</summary>
    public List<StepRecord> Steps { get; } = [];

    /// <summary>Its evaluations during training.</summary>
    public List<EvaluationRecord> Evaluations { get; } = [];

    /// <summary>Its warnings.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Clips it saw.</summary>
    public int Clips => run.Clips.Count;

    /// <summary>Hash of the list of clips.</summary>
    public string ManifestHash => run.Clips.ManifestHash;

    /// <summary>Wall time of the training, in seconds.</summary>
    public double Seconds { get; private set; }

    /// <summary>Trains a model into a run folder, replacing an older run there.</summary>
    public static DemoEncoder Train(PretrainingConfig config, string runFolder, DemoProgress progress, CancellationToken cancellation)
    {
        new RunFolder(runFolder).Clear();
        var encoder = new DemoEncoder(runFolder, config, progress, cancellation);
        try
        {
            long begin = Stopwatch.GetTimestamp();
            encoder.run.Train(cancellation: cancellation);
            encoder.Seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            cancellation.ThrowIfCancellationRequested();
            return encoder;
        }
        catch
        {
            encoder.Dispose();
            throw;
        }
    }

    /// <summary>The encoder, frozen.</summary>
    public EncoderSnapshot Snapshot() => run.Snapshot();

    /// <summary>What the model predicts for the hidden patches of a clip.</summary>
    /// <param name="name">What the clip is called.</param>
    /// <param name="logMel">[F, T] of the model's input size, not normalised.</param>
    /// <remarks>MSM-MAE predicts patches standardised one by one; they are shown at the mean and deviation of the true patch.</remarks>
    public Reconstruction Reconstruct(string name, float[] logMel)
    {
        InputGeometry input = run.Config.Geometry;
        int size = input.PatchSize;
        float[] normalised = [.. logMel];
        run.Setup.Normalisation.Apply(normalised);
        var patches = new float[input.InputSize];
        PatchCutter.Cut(normalised, input.Bands, input.Frames, input.PatchHeight, input.PatchWidth, patches);
        var stream = new RandomStream(run.Config.Seed, RandomPurpose.Mask);
        PatchMask mask = KnownMaskings.Find("random").CreateDataStrategy()!.Sample(
            new PatchView(input.Grid, size, patches), new MaskingContext(run.Config.ResolvedMaskRatio, 1, stream, stream));

        float[] predicted = [.. logMel];
        float[] standardised = Predict(patches, mask, size);
        for (int i = 0; i < mask.Masked.Length; i++)
            Paste(standardised.AsSpan(i * size, size), mask.Masked[i], logMel, predicted, input);
        return new Reconstruction(name, Mask, input.Bands, input.Frames, input.Grid, logMel, mask, predicted);
    }

    public void Stage(string name) => progress.At(0, $"before {Mask} masking: {name}");

    public void Step(StepRecord step, long totalSteps)
    {
        Steps.Add(step);
        progress.At((double)step.Step / totalSteps, $"pre-training with {Mask}: step {step.Step} of {totalSteps}, loss {step.Loss:F3}");
    }

    public void Evaluation(EvaluationRecord evaluation) => Evaluations.Add(evaluation);

    public void Warning(string message) => Warnings.Add(message);

    public void End(RunSummary summary) => RunReport.Write(summary);

    public void Dispose() => run.Dispose();

    private float[] Predict(float[] patches, PatchMask mask, int size)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        Device device = run.Setup.Model.Device;
        (Tensor Values, Tensor Ids) Pick(int[] ids) =>
        (
            Tensor.Send(device, ids.SelectMany(id => patches.AsSpan(id * size, size).ToArray()).ToArray(), 1, ids.Length, size),
            Tensor.Send(device, ids.Select(id => (long)id).ToArray(), 1, ids.Length));
        (Tensor visible, Tensor visibleIds) = Pick(mask.Visible);
        (Tensor masked, Tensor maskedIds) = Pick(mask.Masked);
        return ((PatchPredictor)run.Setup.Model).Predict(new PatchBatch(visible, visibleIds, masked, maskedIds)).ToArray<float>();
    }

    private static void Paste(ReadOnlySpan<float> standardised, int id, float[] truth, float[] destination, InputGeometry input)
    {
        int top = id / input.Grid.Columns * input.PatchHeight, left = id % input.Grid.Columns * input.PatchWidth;
        double sum = 0, square = 0;
        for (int i = 0; i < standardised.Length; i++)
        {
            double value = truth[Place(i)];
            (sum, square) = (sum + value, square + value * value);
        }
        double mean = sum / standardised.Length;
        double deviation = Math.Sqrt(Math.Max(0, square - sum * mean) / Math.Max(1, standardised.Length - 1));
        for (int i = 0; i < standardised.Length; i++)
            destination[Place(i)] = (float)(mean + deviation * standardised[i]);

        int Place(int i) => (top + i / input.PatchWidth) * input.Frames + left + i % input.PatchWidth;
    }
}
