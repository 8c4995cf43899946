using System.Runtime.InteropServices;
using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Weights;

/// <summary>Moves weights between models and files, by the field's parameter names (docs/method.md section 8).</summary>
internal static class ModelWeights
{
    /// <summary>The field's name for the mean and deviation of the data.</summary>
    internal const string Statistics = "norm_stats";

    /// <summary>Overwrites every parameter of a model, and its positions where the file has them (they are sine-cosine where not).</summary>
    /// <param name="model">The model.</param>
    /// <param name="tensors">Values by parameter name; of names the model does not have, those are passed over that are known to change nothing (<see cref="WeightNames"/>).</param>
    /// <param name="source">Where the values come from, for messages.</param>
    /// <exception cref="UserErrorException">A parameter is missing, has another shape or values that are no finite numbers, or a tensor has no place in the model.</exception>
    public static void Load(MaskedModel model, IReadOnlyDictionary<string, HostTensor> tensors, string source)
    {
        WeightNames.RequireModel(source, tensors, model.Parameters.Select(parameter => parameter.Name), model.Positions.Select(table => table.Name));
        Load(model.Parameters, tensors, source);
        foreach (PositionTable positions in model.Positions)
            LoadPositions(positions, tensors, source);
    }

    /// <summary>Overwrites an encoder alone.</summary>
    /// <inheritdoc cref="Load(MaskedModel, IReadOnlyDictionary{string, HostTensor}, string)"/>
    public static void Load(FrozenEncoder encoder, IReadOnlyDictionary<string, HostTensor> tensors, string source)
    {
        WeightNames.RequireEncoder(source, tensors, encoder.Parameters.Select(parameter => parameter.Name), [encoder.Positions.Name]);
        Load(encoder.Parameters, tensors, source);
        LoadPositions(encoder.Positions, tensors, source);
    }

    /// <summary>Has <paramref name="load"/> fill a model, which is disposed of where that fails.</summary>
    internal static T Filled<T>(T model, Action<T> load) where T : IDisposable
    {
        try
        {
            load(model);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Overwrites parameters with others of the same shapes, in order.</summary>
    internal static void Copy(IEnumerable<Parameter> source, IEnumerable<Parameter> destination)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        foreach ((Parameter from, Parameter to) in source.Zip(destination))
            to.Value.CopyFrom(from.Value);
    }

    /// <summary>One entry a parameter and a table of positions, ready to be written.</summary>
    public static IEnumerable<SafetensorsEntry> Entries(MaskedModel model) => Entries(model.Parameters, model.Positions);

    /// <summary>The same of an encoder alone.</summary>
    public static IEnumerable<SafetensorsEntry> Entries(FrozenEncoder encoder) => Entries(encoder.Parameters, [encoder.Positions]);

    private static IEnumerable<SafetensorsEntry> Entries(IEnumerable<Parameter> parameters, IEnumerable<PositionTable> positions) =>
    [
        .. parameters.Select(parameter => Entry(parameter.Name, parameter.Shape, parameter.Value)),
        .. positions.Select(table => Entry(table.Name, table.Shape, table.Values)),
    ];

    /// <summary>Mean and deviation that a model's log-mels are normalised with, [2].</summary>
    internal static SafetensorsEntry Entry(NormalisationStatistics statistics) => SafetensorsEntry.Of(Statistics, HostTensor.FromFloats([statistics.Mean, statistics.Std], 2));

    internal static SafetensorsEntry Entry(string name, long[] shape, Tensor values) =>
        new(name, "F32", shape, bytes =>
        {
            using var scope = new TensorScope();
            values.To(DType.Float32).CopyTo(MemoryMarshal.Cast<byte, float>(bytes));
        });

    /// <summary>Overwrites a tensor with the one of a name.</summary>
    /// <inheritdoc cref="Find"/>
    internal static void Fill(Tensor destination, long[] shape, IReadOnlyDictionary<string, HostTensor> tensors, string name, string source)
    {
        ReadOnlySpan<float> values = Find(shape, tensors, name, source);
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        destination.View(shape).CopyFrom(Tensor.From(values, shape));
    }

    /// <summary>The values of the tensor of a name, row-major.</summary>
    /// <exception cref="UserErrorException">It is missing, has another shape, or its values are no finite numbers.</exception>
    internal static ReadOnlySpan<float> Find(long[] shape, IReadOnlyDictionary<string, HostTensor> tensors, string name, string source)
    {
        if (!tensors.TryGetValue(name, out HostTensor? found))
            throw new UserErrorException($"{source} holds no tensor {name}; was it made by another kind of model?");
        if (!found.Shape.SequenceEqual(shape))
            throw new UserErrorException(
                $"{source}: {name} has shape [{string.Join(", ", found.Shape)}] where the model wants [{string.Join(", ", shape)}]; give the geometry it was trained with");
        if (found.DType is not ("F16" or "BF16" or "F32" or "F64"))
            throw new UserErrorException($"{source}: {name} holds whole numbers ({found.DType}), as quantised models do; give the weights as floats");
        ReadOnlySpan<float> values = found.Floats();
        return !Believable.AreFinite(values)
            ? throw new UserErrorException($"{source}: {name} holds NaN or infinity, so the model is broken; use another copy, or an earlier checkpoint")
            : values;
    }

    /// <summary>A file may claim any shape, so before a model is made it must hold as many values as its parameters, and hardly fewer than
    /// its tables of positions, which need not be in it.</summary>
    /// <param name="source">Where the values come from, for messages.</param>
    /// <param name="tensors">Values by parameter name.</param>
    /// <param name="shape">The sizes that are claimed; a whole model's where there is a framework.</param>
    /// <param name="framework">How it was pre-trained; null of an encoder alone.</param>
    /// <exception cref="UserErrorException">It does not.</exception>
    internal static void RequireEnough(string source, IReadOnlyDictionary<string, HostTensor> tensors, EncoderShape shape, Framework? framework)
    {
        const double Untold = 1 << 20; // values of positions that any file may ask for
        double present = tensors.Values.Sum(tensor => (double)tensor.Count);
        double wanted = ModelMemory.OfEncoder(shape) + (framework is not null && shape is ModelShape whole ? framework.DecoderValues(whole) + framework.TargetValues(whole) : 0);
        double positions = (double)shape.PatchCount * (shape.Encoder.Width + (framework is not null && shape is ModelShape { Decoder.Width: var width } ? width : 0));
        if (wanted > present)
            throw new UserErrorException($"{source}: it claims to be a larger model than its weights make; use another copy");
        if (positions > present + Untold)
            throw new UserErrorException($"{source}: it claims an input of {shape.Input.InputText}, {shape.PatchCount} patches, far more than its weights are for; give the `Input` it was trained with, or use another copy");
    }

    private static void Load(IEnumerable<Parameter> parameters, IReadOnlyDictionary<string, HostTensor> tensors, string source)
    {
        foreach (Parameter parameter in parameters)
            Fill(parameter.Value, parameter.Shape, tensors, parameter.Name, source);
    }

    private static void LoadPositions(PositionTable positions, IReadOnlyDictionary<string, HostTensor> tensors, string source)
    {
        if (tensors.ContainsKey(positions.Name))
            Fill(positions.Values, positions.Shape, tensors, positions.Name, source);
    }
}
