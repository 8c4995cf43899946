namespace OtoMask.Torch;

/// <summary>One learnt tensor of a model: its name, its shape and, once its set is laid out, its values.</summary>
/// <param name="name">The field's name for it, for example <c>blocks.0.attn.qkv.weight</c>.</param>
/// <param name="shape">Lengths of its dimensions.</param>
/// <param name="initialise">Fills the initial values; argument: the position of the parameter in the model.</param>
public sealed class Parameter(string name, long[] shape, Initialiser initialise)
{
    private Tensor? value;

    /// <summary>The field's name for it.</summary>
    public string Name { get; } = name;

    /// <summary>Lengths of its dimensions.</summary>
    public long[] Shape { get; } = shape;

    /// <summary>How its first values are drawn.</summary>
    public Initialiser Initialise { get; } = initialise;

    /// <summary>Number of values.</summary>
    public long Count { get; } = shape.Aggregate(1L, (count, size) => count * size);

    /// <summary>True where weight decay applies: to everything but vectors, that is, biases and norms (docs/method.md section 6).</summary>
    public bool Decays => Shape.Length > 1;

    /// <summary>The values, a view of the set's flat buffer.</summary>
    public Tensor Value
    {
        get => value ?? throw new InvalidOperationException($"{Name} has no values before its ParameterSet is laid out");
        internal set => this.value = value;
    }

    /// <summary>Where it begins in the flat buffer.</summary>
    public long Offset { get; internal set; }

    /// <summary>Its values, where a tensor is asked for.</summary>
    /// <exception cref="InvalidOperationException">Its <see cref="ParameterSet"/> is not laid out yet.</exception>
    public static implicit operator Tensor(Parameter parameter) => parameter.Value;
}

/// <summary>Fills the initial values of the parameter at <paramref name="position"/> of a model, in row-major order.</summary>
public delegate void Initialiser(Span<float> values, int position);

/// <summary>A piece of the flat buffer that an optimiser moves by one rule.</summary>
/// <param name="Start">Where it begins.</param>
/// <param name="Count">How many values it has.</param>
/// <param name="Decays">Whether weight decay applies.</param>
/// <param name="Rate">Factor on the learning rate.</param>
internal readonly record struct Stretch(long Start, long Count, bool Decays, double Rate);

/// <summary>
/// The parameters of a model in one flat buffer, gradients in another: optimiser, clipping and moving averages are one pass
/// over one array. Decayed parameters come first, so that each half has one rule.
/// </summary>
public sealed class ParameterSet : IDisposable
{
    private readonly List<Parameter> declared = [];
    private Tensor? values, gradients;

    /// <summary>All parameters in the order of their declaration.</summary>
    public IReadOnlyList<Parameter> Parameters => declared;

    /// <summary>Number of values in all.</summary>
    public long Count => declared.Sum(parameter => parameter.Count);

    /// <summary>All values, [Count].</summary>
    public Tensor Values => values ?? throw new InvalidOperationException("the parameters are not laid out yet");

    /// <summary>All gradients, [Count]; a parameter of float32 may have one of bfloat16.</summary>
    /// <exception cref="InvalidOperationException">The set was laid out without gradients.</exception>
    public Tensor Gradients => gradients ?? throw new InvalidOperationException("these parameters have no gradients");

    /// <summary>Declares a parameter.</summary>
    public Parameter Add(string name, Initialiser initialise, params long[] shape)
    {
        var parameter = new Parameter(name, shape, initialise);
        declared.Add(parameter);
        return parameter;
    }

    /// <summary>Allocates the flat buffers, makes every parameter a view of them and draws the initial values.</summary>
    /// <param name="device">Where the values live.</param>
    /// <param name="trained">Whether gradients are wanted.</param>
    /// <param name="gradientType">Type of the gradients, float32 or bfloat16; what a backward pass adds to the second is rounded to 8 bits.</param>
    public void LayOut(Device device, bool trained, DType gradientType = DType.Float32)
    {
        long offset = 0;
        foreach (Parameter parameter in declared.OrderBy(parameter => parameter.Decays ? 0 : 1))
        {
            parameter.Offset = offset;
            offset += parameter.Count;
        }
        using var scope = new TensorScope();
        Tensor host = Tensor.Zeros(Device.Cpu, DType.Float32, Count); // filled in place: a second copy of a large model would cost as much as its gradients
        Parallel.For(0, declared.Count, position =>
        {
            Parameter parameter = declared[position];
            parameter.Initialise(host.Memory().Slice((int)parameter.Offset, (int)parameter.Count), position);
        });

        values = scope.KeepForever(host.To(device));
        gradients = trained ? scope.KeepForever(Tensor.Zeros(device, gradientType, Count)) : null;
        foreach (Parameter parameter in declared)
        {
            parameter.Value = scope.KeepForever(values.Narrow(0, parameter.Offset, parameter.Count).View(parameter.Shape).Detach());
            if (gradients is null)
                continue;
            parameter.Value.RequireGradient();
            parameter.Value.Gradient = gradients.Narrow(0, parameter.Offset, parameter.Count).View(parameter.Shape);
        }
    }

    /// <summary>The flat buffer cut where the rule of the update changes: neighbours that decay alike and share a rate.</summary>
    /// <param name="rateOf">Factor on the learning rate of a parameter; null = 1.</param>
    internal IReadOnlyList<Stretch> Stretches(Func<Parameter, double>? rateOf)
    {
        var stretches = new List<Stretch>();
        foreach (Parameter parameter in declared.OrderBy(parameter => parameter.Offset))
        {
            var next = new Stretch(parameter.Offset, parameter.Count, parameter.Decays, rateOf?.Invoke(parameter) ?? 1);
            if (stretches is [.., Stretch last] && (last.Decays, last.Rate) == (next.Decays, next.Rate))
                stretches[^1] = last with { Count = last.Count + next.Count };
            else
                stretches.Add(next);
        }
        return stretches;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (values is null)
            return;
        foreach (Parameter parameter in declared)
        {
            if (gradients is not null)
                parameter.Value.Gradient = null;
            parameter.Value.Dispose();
        }
        gradients?.Dispose();
        values.Dispose();
        (values, gradients) = (null, null);
    }
}
