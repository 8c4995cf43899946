using OtoMask.Models;

namespace OtoMask.Runs;

/// <summary>What a run will take, from a few timed steps.</summary>
/// <param name="Steps">Optimiser steps still to do.</param>
/// <param name="SecondsPerStep">The slower of computing and loading.</param>
/// <param name="PeakBytes">Largest memory of the process so far, the timed steps included.</param>
/// <param name="Parameters">Values that are trained.</param>
/// <param name="DevicePeakBytes">The same of the device that computes, as far as this process has reserved it; null for the processor, and with libtorch before 2.9, which does not tell.</param>
public sealed record RunEstimate(long Steps, double SecondsPerStep, long PeakBytes, long Parameters, long? DevicePeakBytes = null)
{
    private const double LongestSeconds = 1e11; // three thousand years, which a TimeSpan still holds

    /// <summary>Time of all steps.</summary>
    public TimeSpan Total => TimeSpan.FromSeconds(Math.Min(Steps * SecondsPerStep, LongestSeconds));
}

/// <summary>Is told what happens in a run: a live display, a test, a log. What nobody listens to does nothing.</summary>
public interface ITrainingObserver
{
    /// <summary>Something long begins, for example <c>measuring normalisation statistics</c>.</summary>
    void Stage(string name)
    {
    }

    /// <summary>How far the stage is, 0 .. 1.</summary>
    void Progress(double share)
    {
    }

    /// <summary>What precision <c>auto</c> stands for in this run.</summary>
    void Choice(PrecisionChoice choice)
    {
    }

    /// <summary>What the run will take.</summary>
    void Estimate(RunEstimate estimate)
    {
    }

    /// <summary>A step was done.</summary>
    /// <param name="step">What the log says of it.</param>
    /// <param name="totalSteps">Steps of the whole run, those before it was resumed included.</param>
    void Step(StepRecord step, long totalSteps)
    {
    }

    /// <summary>An evaluation was done.</summary>
    void Evaluation(EvaluationRecord evaluation)
    {
    }

    /// <summary>Something the user should know.</summary>
    void Note(string message)
    {
    }

    /// <summary>Something the user should know at once.</summary>
    void Warning(string message)
    {
    }

    /// <summary>A pre-training has ended or was stopped, and its folder is complete but for a page to look at.</summary>
    void End(RunSummary run)
    {
    }
}
