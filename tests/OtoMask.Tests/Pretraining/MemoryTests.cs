using OtoMask.Torch;

namespace OtoMask.Tests.Pretraining;

/// <summary>
/// What a run holds on to. Resident memory is that of the whole process, and other tests would count in it, so these run when no others do.
/// </summary>
[CollectionDefinition(Alone, DisableParallelization = true)]
[Collection(Alone), NoTensorLeaks]
public class MemoryTests
{
    private const string Alone = "alone in the process";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Live_tensors_and_resident_memory_stay_flat_over_200_steps(bool checkpointActivations)
    {
        const int WarmUp = 50;
        const long MostGrowth = 16 << 20; // a step of this model touches about 1 MB: a leak of one step in ten would show
        using var data = new TrainingFolder();
        var live = new List<long>();
        var resident = new List<long>();
        var observer = new RecordingObserver
        {
            OnStep = _ =>
            {
                live.Add(TensorScope.LiveTensors);
                resident.Add(Environment.WorkingSet);
            },
        };
        data.Train("run", data.Config with { Epochs = null, Steps = 200, CheckpointEvery = 50, Batch = 12, CheckpointActivations = checkpointActivations }, observer: observer);
        Assert.Equal(200, live.Count);
        Assert.Single(live.Distinct());
        Assert.InRange(resident[^1] - resident[WarmUp], long.MinValue, MostGrowth);
    }
}
