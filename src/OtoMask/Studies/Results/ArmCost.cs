namespace OtoMask.Studies.Results;

/// <summary>What an arm cost.</summary>
/// <param name="Measured">As measured before the runs; an arm at equal time costs what the arm costs.</param>
/// <param name="Steps">Optimiser steps of a run.</param>
public sealed record ArmCost(StudyCost Measured, long Steps)
{
    /// <summary>Minutes of a run: steps at what a step costs.</summary>
    public double RunMinutes => Steps * Measured.StepMs / 60_000;

    /// <summary>Time to mask a batch as a share of the step's time, wherever it is spent; exceeds 1 where several loaders take longer than a step.</summary>
    public double MaskShare => Measured.MaskMs / Measured.StepMs;

    /// <summary>Share of the step that masking holds up, 0 .. 1: none where loader threads do it beside the step.</summary>
    public double MaskShareOfStep => Measured.MasksInStep ? MaskShare : 0;
}
