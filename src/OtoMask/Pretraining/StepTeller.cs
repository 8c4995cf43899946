using System.Diagnostics;
using OtoMask.Runs;
using OtoMask.Torch;

namespace OtoMask.Pretraining;

/// <summary>Tells what steps did: at once where the processor computes them, elsewhere one step behind, so that the device works on the next one while the numbers
/// of the last are fetched.</summary>
/// <param name="device">Where steps are computed.</param>
/// <param name="tell">Is told of every step, in order.</param>
internal sealed class StepTeller(Device device, Action<StepRecord> tell) : IDisposable
{
    private (StepInFlight Step, double Seconds, Func<StepOutcome, double, StepRecord> Record)? awaited;

    /// <summary>Takes a step that has just been asked for.</summary>
    /// <param name="step">The step; disposed when it is told.</param>
    /// <param name="begin">When it began, as <see cref="Stopwatch.GetTimestamp"/> has it.</param>
    /// <param name="record">The row of the log, from what it did and the seconds it took. Where steps follow each other without waiting, these are the ones between two of them.</param>
    public void Add(StepInFlight step, long begin, Func<StepOutcome, double, StepRecord> record)
    {
        try
        {
            TellAll();
        }
        catch
        {
            step.Dispose(); // nobody will be told of it
            throw;
        }
        awaited = (step, Stopwatch.GetElapsedTime(begin).TotalSeconds, record);
        if (device.IsCpu)
            TellAll();
    }

    /// <summary>Waits for the step that is not told yet, if there is one, and tells it.</summary>
    public void TellAll()
    {
        if (awaited is not var (step, seconds, record))
            return;
        awaited = null;
        using (step)
            tell(record(step.Read(), seconds));
    }

    /// <inheritdoc/>
    public void Dispose() => awaited?.Step.Dispose();
}
