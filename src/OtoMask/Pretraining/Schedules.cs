namespace OtoMask.Pretraining;

/// <summary>Linear warm-up, then half a cosine down, per optimiser step (docs/method.md section 6).</summary>
/// <param name="Peak">Learning rate at the end of the warm-up.</param>
/// <param name="WarmupSteps">Steps of warm-up.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Floor">Where the cosine ends.</param>
internal sealed record LearningRateSchedule(double Peak, long WarmupSteps, long TotalSteps, double Floor = 0)
{
    /// <summary>The rate of step <paramref name="step"/>, from 0.</summary>
    public double At(long step)
    {
        if (step < WarmupSteps)
            return Peak * step / WarmupSteps;
        double progress = (step - WarmupSteps) / (double)Math.Max(1, TotalSteps - WarmupSteps);
        return Floor + (Peak - Floor) * 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, progress)));
    }
}

/// <summary>How much of a target network stays at each step: linear from start to end, then constant (docs/method.md sections 5 and 10).</summary>
/// <param name="Start">tau of the first step.</param>
/// <param name="End">tau once it moves no more.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Ramp">Share of the run over which it moves.</param>
internal sealed record EmaSchedule(double Start, double End, long TotalSteps, double Ramp = 1)
{
    /// <summary>tau of step <paramref name="step"/>, from 0.</summary>
    public double At(long step) => Start + (End - Start) * Math.Min(1, step / Math.Max(1, Ramp * (TotalSteps - 1)));
}
