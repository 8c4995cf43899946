namespace OtoMask.Models;

/// <summary>What a framework is published to be trained by, made relative where runs may be short (docs/method.md section 6).</summary>
public sealed record Recipe
{
    /// <summary>That of M2D, which MSM-MAE is trained by too.</summary>
    public static Recipe M2d { get; } = new();

    /// <summary>Learning rate for an effective batch of 256.</summary>
    public double BaseLearningRate { get; init; } = 3e-4;

    /// <summary>Share of the run that warms up; M2D: 20 of 300 epochs.</summary>
    public double Warmup { get; init; } = 1.0 / 15;

    /// <summary>Largest global gradient norm.</summary>
    public double ClipNorm { get; init; } = 3.0;

    /// <summary>tau of the target network at the first step.</summary>
    public double EmaStart { get; init; } = 0.99995;

    /// <summary>tau once it moves no more.</summary>
    public double EmaEnd { get; init; } = 0.99999;

    /// <summary>Share of the run over which tau moves; it stays afterwards.</summary>
    public double EmaRamp { get; init; } = 1;
}
