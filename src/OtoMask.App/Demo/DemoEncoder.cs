using System.Diagnostics;
using OtoMask.App.Reports;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;

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
    public Reconstruction Reconstruct(string name, float[] logMel)
    {
        InputGeometry input = run.Config.Geometry;
        float[] normalised = [.. logMel];
        run.Setup.Normalisation.Apply(normalised);
        var sketch = MaskSketch.Of(normalised, input.Bands, input.Frames, input.PatchHeight, input.PatchWidth);
        PatchMask mask = sketch.Draw(KnownMaskings.Find("random"), run.Config.ResolvedMaskRatio, hintRatio: 1, run.Config.Seed, index: 0);
        float[] predicted = PatchReconstruction.Of((MaskedAutoencoder)run.Setup.Model, run.Setup.Normalisation, new LogMel(input.Bands, input.Frames, logMel), mask.Visible, mask.Masked);
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
}
