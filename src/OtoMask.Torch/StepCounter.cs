namespace OtoMask.Torch;

/// <summary>Updates made so far, counted where the parameters lie: on another device than the processor nobody knows at once which steps were taken.</summary>
internal sealed class StepCounter : IDisposable
{
    private readonly Tensor? there; // float32, as libtorch counts its own: exact to 16 million
    private long here;

    public StepCounter(Device device)
    {
        using var scope = new TensorScope();
        there = device.IsCpu ? null : scope.KeepForever(Tensor.Zeros(device, DType.Float32));
    }

    /// <summary>The count; reading it waits for the device.</summary>
    public long Value
    {
        get => there is null ? here : (long)there.Item();
        set
        {
            here = value;
            there?.ZeroInto();
            there?.AddInto(value);
        }
    }

    /// <summary>The count on the device.</summary>
    public Tensor There => there ?? throw new InvalidOperationException("steps on the processor are counted there");

    /// <summary>Counts a step, if it is taken.</summary>
    public void Add(StepGate gate) => there!.AddInto(gate.Applied!);

    public void Dispose() => there?.Dispose();
}
