using OtoMask.Interop;
using OtoMask.Torch;

namespace OtoMask.Weights;

/// <summary>What an optimiser remembers, in a checkpoint: <c>optimizer.mean.blocks.0.norm1.weight</c> and so on, shaped as the parameters are.</summary>
internal static class OptimizerMemory
{
    private const string Prefix = "optimizer.";

    /// <summary>Whether a tensor of a checkpoint is none of the model's.</summary>
    public static bool Holds(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>One entry for each parameter and kind of memory, float32, which holds bfloat16 exactly.</summary>
    public static IEnumerable<SafetensorsEntry> Entries(IOptimizer optimizer, ParameterSet trained) =>
        from kept in optimizer.State
        from parameter in trained.Parameters
        select ModelWeights.Entry(NameOf(kept.Name, parameter), parameter.Shape, kept.Values.Narrow(0, parameter.Offset, parameter.Count));

    /// <summary>Puts an optimiser where a checkpoint left it.</summary>
    /// <param name="optimizer">The optimiser.</param>
    /// <param name="trained">What it moves.</param>
    /// <param name="steps">Updates it had made.</param>
    /// <param name="tensors">Values by name.</param>
    /// <param name="source">Where they come from, for messages.</param>
    /// <exception cref="UserErrorException">Some are missing or of another shape.</exception>
    public static void Restore(IOptimizer optimizer, ParameterSet trained, long steps, IReadOnlyDictionary<string, HostTensor> tensors, string source)
    {
        using var scope = new TensorScope();
        foreach ((string kept, Tensor values) in optimizer.State)
        {
            foreach (Parameter parameter in trained.Parameters)
                ModelWeights.Fill(values.Narrow(0, parameter.Offset, parameter.Count), parameter.Shape, tensors, NameOf(kept, parameter), source);
        }
        optimizer.Steps = steps;
    }

    private static string NameOf(string kept, Parameter parameter) => $"{Prefix}{kept}.{parameter.Name}";
}
