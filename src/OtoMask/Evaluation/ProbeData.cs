using OtoMask.Torch;

namespace OtoMask.Evaluation;

// n rows, D dimensions, C classes. The last column of the features is 1: the last weight of a class is its bias.

/// <summary>Standardised embeddings with their labels, ready for a linear layer.</summary>
internal sealed class ProbeData : IDisposable
{
    private ProbeData(Tensor features, IReadOnlyList<int>[] labels, int classes, bool multiLabel)
    {
        (Features, Device, Labels, Classes, MultiLabel, Targets) = (features, features.Device, labels, classes, multiLabel, ProbeLoss.Targets(labels, classes));
        using var scope = new TensorScope();
        TargetTensor = scope.KeepForever(Tensor.Send(Device, Targets, labels.Length, classes));
    }

    /// <summary>[n, D + 1].</summary>
    public Tensor Features { get; }

    /// <summary>The classes of each row.</summary>
    public IReadOnlyList<int>[] Labels { get; }

    /// <summary>[n, C], 1 at the labels.</summary>
    public float[] Targets { get; }

    /// <summary>The same on the side of libtorch.</summary>
    public Tensor TargetTensor { get; }

    /// <summary>Where both are, and what is computed of them.</summary>
    public Device Device { get; }

    public int Classes { get; }

    public bool MultiLabel { get; }

    public int Rows => Labels.Length;

    public int Inputs => (int)Features.Shape[1] - 1;

    public static ProbeData Of(EmbeddedTask task, int[] clips, ClipView view, Standardiser scale)
    {
        float[] features = scale.Apply(task.Rows(clips, view), constants: 1);
        IReadOnlyList<int>[] labels = [.. clips.Select(clip => task.Task.Clips[clip].Labels)];
        using var scope = new TensorScope();
        Tensor tensor = scope.KeepForever(Tensor.Send(task.Device, features, clips.Length, task.Width + 1));
        return new ProbeData(tensor, labels, task.Task.Classes.Count, task.Task.IsMultiLabel);
    }

    /// <summary>What a linear layer [C, D + 1] says: logits [n, C].</summary>
    public float[] Logits(ReadOnlySpan<float> weights)
    {
        using var scope = new TensorScope();
        Tensor layer = Tensor.From(weights, Classes, Inputs + 1).To(Device);
        return Features.MatMul(layer.Transpose(0, 1)).ToArray<float>();
    }

    /// <summary>Accuracy, or macro average precision of a multi-label task; 0..1.</summary>
    public double Score(ReadOnlySpan<float> logits) => Scores.Of(logits, Labels, MultiLabel);

    public void Dispose()
    {
        Features.Dispose();
        TargetTensor.Dispose();
    }
}
