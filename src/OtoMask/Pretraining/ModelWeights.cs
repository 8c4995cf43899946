using System.Runtime.InteropServices;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Pretraining;

/// <summary>Moves weights between models and files, by the field's parameter names (METHOD section 8).</summary>
public static class ModelWeights
{
    /// <summary>Overwrites every parameter of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tensors">Values by parameter name; names the model does not have are ignored.</param>
    /// <param name="source">Where the values come from, for messages.</param>
    /// <exception cref="UserErrorException">A parameter is missing or has another shape.</exception>
    public static void Load(MaskedModel model, IReadOnlyDictionary<string, HostTensor> tensors, string source)
    {
        foreach (Parameter parameter in model.Parameters)
            Fill(parameter.Value, parameter, tensors, parameter.Name, source);
    }

    /// <summary>One entry a parameter, ready to be written.</summary>
    public static IEnumerable<SafetensorsEntry> Entries(MaskedModel model) =>
        model.Parameters.Select(parameter => Entry(parameter.Name, parameter.Shape, parameter.Value));

    internal static SafetensorsEntry Entry(string name, long[] shape, Tensor values) =>
        new(name, "F32", shape, bytes =>
        {
            using var scope = new TensorScope();
            values.To(DType.Float32).CopyTo(MemoryMarshal.Cast<byte, float>(bytes));
        });

    internal static void Fill(Tensor destination, Parameter parameter, IReadOnlyDictionary<string, HostTensor> tensors, string name, string source)
    {
        if (!tensors.TryGetValue(name, out HostTensor? found))
            throw new UserErrorException($"{source} holds no tensor {name}; was it made by another kind of model?");
        if (!found.Shape.SequenceEqual(parameter.Shape))
            throw new UserErrorException(
                $"{source}: {name} has shape [{string.Join(", ", found.Shape)}] where the model wants [{string.Join(", ", parameter.Shape)}]; give the geometry it was trained with");
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        destination.View(found.Shape).CopyFrom(Tensor.From(found.ToFloats(), found.Shape));
    }
}
