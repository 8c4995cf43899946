namespace OtoMask.Torch;

/// <summary>Moves the parameters of a <see cref="ParameterSet"/> against their gradients.</summary>
internal interface IOptimizer : IDisposable
{
    /// <summary>Updates made so far.</summary>
    long Steps { get; set; }

    /// <summary>What it remembers between updates, each [Count] in the order of the flat buffer; with <see cref="Steps"/> it goes on exactly.</summary>
    IReadOnlyList<(string Name, Tensor Values)> State { get; }

    /// <summary>Moves the parameters; the gradients are zero then.</summary>
    /// <param name="learningRate">Step length.</param>
    /// <param name="gradientScale">Factor on every gradient.</param>
    void Step(double learningRate, double gradientScale);

    /// <summary>Moves the parameters if the step is taken; the gradients are zero then in any case.</summary>
    /// <param name="learningRate">Step length.</param>
    /// <param name="gate">Whether it is taken, and the factor on every gradient.</param>
    void Step(double learningRate, StepGate gate);
}
