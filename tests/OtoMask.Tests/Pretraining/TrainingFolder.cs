using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Randomness;
using OtoMask.Runs;
using OtoMask.Weights;

namespace OtoMask.Tests.Pretraining;

/// <summary>A temporary folder with a few seconds of generated audio, and runs on it.</summary>
internal sealed class TrainingFolder : IDisposable
{
    public TrainingFolder(int clips = 12)
    {
        Directory.CreateDirectory(Audio);
        for (int clip = 0; clip < clips; clip++)
            AudioFile.WriteWav(System.IO.Path.Combine(Audio, $"clip{clip:D2}.wav"), Waveform(clip), 16000);
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("otomask-training-").FullName;

    public string Audio => System.IO.Path.Combine(Path, "audio");

    /// <summary>A model of a few thousand parameters that trains in milliseconds.</summary>
    public PretrainingConfig Config => new()
    {
        Data = Audio,
        Framework = KnownFrameworks.M2d,
        Encoder = new BlockShape(16, 1, 2),
        Decoder = new BlockShape(16, 1, 2),
        Input = "80x96",
        Mask = "dwm",
        Batch = 4,
        Epochs = 4,
        MinClips = 0,
        BaseLearningRate = 0.05,
        CheckpointEvery = 1,
        EvaluateEvery = 0,
    };

    public RunFolder NewRun(string name)
    {
        var folder = new RunFolder(System.IO.Path.Combine(Path, name));
        folder.Create();
        return folder;
    }

    /// <summary>Trains a new run, to its end or to <paramref name="stopAt"/>.</summary>
    public RunFolder Train(string name, PretrainingConfig config, int? stopAt = null, ITrainingObserver? observer = null)
    {
        RunFolder folder = NewRun(name);
        observer ??= new RecordingObserver();
        using TrainingSetup setup = TrainingSetup.Begin(config, observer);
        using var trainer = new Trainer(folder, setup, observer);
        trainer.Run(stopAt, []);
        return folder;
    }

    public static void Resume(RunFolder folder, ITrainingObserver? observer = null, bool? checkpointActivations = null)
    {
        observer ??= new RecordingObserver();
        Checkpoint from = Checkpoint.Read(folder.Path);
        PretrainingConfig config = from.State.ParsedConfig;
        using TrainingSetup setup = TrainingSetup.Resume(
            from, config with { CheckpointActivations = checkpointActivations ?? config.CheckpointActivations }, changes => throw new UserErrorException(string.Join(", ", changes)), observer);
        using var trainer = new Trainer(folder, setup, observer);
        Assert.Equal(TrainingEnd.Finished, trainer.Run(null, []));
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static float[] Waveform(int clip)
    {
        var random = new RandomStream(7, RandomPurpose.Crop, 0, clip);
        var samples = new float[8000 + 4000 * (clip % 4)];
        for (int i = 0; i < samples.Length; i++)
            samples[i] = 0.3f * MathF.Sin(i * (0.02f + 0.01f * clip)) + 0.05f * (random.NextSingle() - 0.5f);
        return samples;
    }
}

/// <summary>Keeps what a run told.</summary>
internal sealed class RecordingObserver : ITrainingObserver
{
    public List<StepRecord> Steps { get; } = [];

    public List<EvaluationRecord> Evaluations { get; } = [];

    public List<string> Warnings { get; } = [];

    public List<string> Notes { get; } = [];

    public List<PrecisionChoice> Choices { get; } = [];

    public RunEstimate? Estimated { get; private set; }

    public Action<StepRecord>? OnStep { get; init; }

    public void Stage(string name)
    {
    }

    public void Progress(double share)
    {
    }

    public void Choice(PrecisionChoice choice) => Choices.Add(choice);

    public void Estimate(RunEstimate estimate) => Estimated = estimate;

    public void Step(StepRecord step, long totalSteps)
    {
        Steps.Add(step);
        OnStep?.Invoke(step);
    }

    public void Evaluation(EvaluationRecord evaluation) => Evaluations.Add(evaluation);

    public void Warning(string message) => Warnings.Add(message);

    public void Note(string message) => Notes.Add(message);
}
