using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Distributed;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.FineTuning;

/// <summary>What a classifier says about labelled clips.</summary>
/// <param name="Clips">Positions, in the task, of those that could be read.</param>
/// <param name="Logits">[clips, C].</param>
/// <param name="Score">Accuracy, or mean average precision of a multi-label task; 0 .. 1.</param>
/// <param name="Loss">Mean loss over all clips and classes.</param>
internal sealed record ClipScores(int[] Clips, float[] Logits, double Score, double Loss);

/// <summary>Runs a classifier, frozen, over log-mels of unit length.</summary>
/// <param name="model">The classifier.</param>
/// <param name="input">What it takes.</param>
internal sealed class ClipScorer(Classifier model, ClassifierInput input)
{
    private const int ClipsAtOnce = 64;

    /// <summary>Logits [n, C] of log-mels [F, T], not normalised.</summary>
    public float[] Logits(IReadOnlyList<LogMel> clips) => [.. clips.Chunk(ClipsAtOnce).SelectMany(chunk => LogitsOfChunk(chunk))];

    /// <summary>Scores labelled clips.</summary>
    /// <param name="clips">The task at unit length.</param>
    /// <param name="ids">Positions of the clips.</param>
    /// <param name="view">Where long clips are cut.</param>
    /// <param name="group">The processes that share the clips, and know the scores of all.</param>
    /// <exception cref="UserErrorException">None of them can be read.</exception>
    public ClipScores Score(TaskClips clips, int[] ids, ClipView view, TrainingGroup group)
    {
        LabelledTask task = clips.Task;
        var present = new List<int>();
        var logits = new List<float>();
        foreach (int[] chunk in group.Mine(ids).Chunk(ClipsAtOnce))
        {
            var read = new LogMel?[chunk.Length];
            Parallel.For(0, chunk.Length, new ParallelOptions { MaxDegreeOfParallelism = group.Cores }, i => read[i] = clips.Read(chunk[i], view));
            present.AddRange(chunk.Where((_, i) => read[i] is not null));
            logits.AddRange(LogitsOfChunk([.. read.OfType<LogMel>()]));
        }
        clips.Unreadable.Share(group);
        (present, logits) = ([.. group.Joined(present.ToArray())], [.. group.Joined(logits.ToArray())]);
        if (present.Count == 0)
            throw clips.Unreadable.WhenAllAreBad();

        IReadOnlyList<int>[] labels = [.. present.Select(clip => task.Clips[clip].Labels)];
        float[] all = [.. logits];
        return new ClipScores([.. present], all, Scores.Of(all, labels, task.IsMultiLabel), Loss(all, labels, task.IsMultiLabel));
    }

    private float[] LogitsOfChunk(IReadOnlyList<LogMel> clips)
    {
        if (clips.Count == 0)
            return [];
        var memory = ModelMemory.Here(DType.Float32);
        int fit = !model.Device.IsCpu ? clips.Count : ModelMemory.AtOnce(
            $"classifying a clip of {input.Geometry.InputText} in {input.Geometry.Grid.Count} patches", some => memory.Encoding(model.Shape, some, 1 + input.Geometry.Grid.Count), clips.Count);
        return [.. clips.Chunk(fit).SelectMany(LogitsOfThose)];
    }

    private float[] LogitsOfThose(IReadOnlyList<LogMel> clips)
    {
        InputGeometry geometry = input.Geometry;
        int count = geometry.Grid.Count;
        var patches = new float[clips.Count * geometry.InputSize];
        Parallel.For(0, clips.Count, i =>
        {
            float[] normalised = [.. clips[i].Values];
            input.Statistics.Apply(normalised);
            input.Cut(normalised, patches.AsSpan(i * geometry.InputSize, geometry.InputSize));
        });

        using IDisposable frozen = TorchRuntime.NoGrad();
        using var scope = new TensorScope();
        Tensor ids = Tensor.Range(model.Device, count).View(1, count).Expand(clips.Count, count);
        return model.Logits(Tensor.Send(model.Device, patches, clips.Count, count, geometry.PatchSize), ids, training: false).ToArray<float>();
    }

    private static double Loss(float[] logits, IReadOnlyList<int>[] labels, bool multiLabel)
    {
        int classes = logits.Length / labels.Length;
        return ProbeLoss.ToGradient([.. logits], ProbeLoss.Targets(labels, classes), classes, multiLabel) / logits.Length;
    }
}
