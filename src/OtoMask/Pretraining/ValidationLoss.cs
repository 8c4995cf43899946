using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Pretraining;

/// <summary>
/// The loss of a model on clips it does not learn from: metric <c>valid_loss</c>. Masks are drawn by <c>random</c> at the run's mask ratio and, as crops
/// are, the same at every call: so the curve moves by the model alone, and runs of other strategies can be held against it.
/// </summary>
/// <param name="setup">The model, and what its batches are made of.</param>
/// <param name="heldOut">The clips; the caller's to dispose of.</param>
internal sealed class ValidationLoss(TrainingSetup setup, ClipSource heldOut) : IEvaluation
{
    /// <summary>Clips that are looked at; of a larger set some, chosen at random.</summary>
    public const int MostClips = 1024;

    private readonly BatchTransfer transfer = new(setup.Model);

    /// <summary>Refuses clips of which the run learns, by where they lie.</summary>
    /// <param name="path">What the clips are called.</param>
    /// <param name="heldOut">The clips.</param>
    /// <param name="learnt">Those of the run.</param>
    /// <exception cref="UserErrorException">Some are the same files.</exception>
    public static void RequireApart(string path, ClipList heldOut, ClipList learnt)
    {
        // Clips of a cache are known by name alone, in which two caches may well agree.
        static IEnumerable<string> Places(ClipList clips) => clips.Where(clip => clip.Path != clip.Name).Select(clip => Path.GetFullPath(clip.Path));
        var places = Places(learnt).ToHashSet(StringComparer.Ordinal);
        string[] both = [.. Places(heldOut).Where(places.Contains)];
        if (both.Length > 0)
            throw new UserErrorException($"{both.Length} of the {heldOut.Count} clips of valid {path} are among those of data, for example {both[0]}: keep them out of data, or their loss tells nothing new");
    }

    /// <inheritdoc/>
    public IEnumerable<(string Metric, double Value)> Run(EncoderSnapshot encoder)
    {
        int clips = Math.Min(heldOut.Clips.Count, MostClips), batches = (clips + setup.Config.Batch - 1) / setup.Config.Batch;
        BatchOptions options = setup.ValidationBatches(clips / batches);
        using BatchReader<MaskedBatch> reader = new BatchPipeline(heldOut, options, setup.BadFiles).Read(endEpoch: 1);
        double sum = 0;
        for (int i = 0; i < batches; i++)
        {
            using MaskedBatch batch = reader.Next() ?? throw new InvalidOperationException("the pipeline gave no batch");
            sum += LossOf(batch);
        }
        yield return ("valid_loss", sum / batches);
    }

    private double LossOf(MaskedBatch batch)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        using IDisposable? products = setup.Config.Precision.OfStep(), autocast = setup.Config.Precision.On(setup.Model.Device, setup.Config.Bf16By);
        return setup.Model.Loss(transfer.Send(batch)).Total.Item();
    }
}
