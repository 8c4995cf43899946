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
    [InlineData(2000, 4, false)]
    [InlineData(200, 12, true)]
    public void Live_tensors_and_resident_memory_stay_flat(int steps, int batch, bool checkpointActivations)
    {
        const long MostGrowth = 16 << 20; // a step of this model touches about 1 MB: a leak of one step in ten would show
        int warmUp = steps / 4;
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
        data.Train("run", data.Config with { Epochs = null, Steps = steps, CheckpointEvery = 50, Batch = batch, CheckpointActivations = checkpointActivations }, observer: observer);
        Assert.Equal(steps, live.Count);
        Assert.Single(live.Distinct());
        Assert.InRange(resident[^1] - resident[warmUp], long.MinValue, MostGrowth);
    }
}
