namespace OtoMask.Torch;

/// <summary>Where a tensor lives: <c>cpu</c>, <c>cuda:0</c>, <c>cuda:1</c>, or what a library of others brings in (<see cref="TorchRuntime.LoadBackend"/>).</summary>
public readonly record struct Device
{
    /// <summary>Names a device as libtorch does. One without a number is the first of its kind: <c>cuda</c> is <c>cuda:0</c>.</summary>
    public Device(string name) => Name = name is "cpu" or "cpu:0" ? "cpu" : name.Contains(':', StringComparison.Ordinal) ? name : $"{name}:0";

    /// <summary>The processor.</summary>
    public static Device Cpu { get; } = new("cpu");

    /// <summary>Its name, with the number; the processor has none.</summary>
    public string Name { get; }

    /// <summary>True for the processor, whose memory can be read directly.</summary>
    public bool IsCpu => Name == "cpu";

    /// <summary>What it is, without the number.</summary>
    internal string Kind => Name.Split(':')[0];

    /// <inheritdoc/>
    public override string ToString() => Name;
}
