using OtoMask.Configuration;
using OtoMask.Distributed;
using OtoMask.FineTuning;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Tests.Evaluation;
using OtoMask.Tests.Pretraining;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.FineTuning;

/// <summary>Low and high tones, an encoder for them, and runs on both.</summary>
internal sealed class FineTuningFolder : IDisposable
{
    private readonly ToneTask tones = new();

    public FineTuningFolder()
    {
        var config = new PretrainingConfig { Data = tones.Folder, Framework = KnownFrameworks.MsmMae, Encoder = new(16, 2, 2), Decoder = new(8, 1, 1), Input = "80x48" };
        using MaskedModel model = config.Framework.CreateModel(config.ModelShape, config.Seed, Device.Cpu);
        using var optimizer = new AdamW(model.Trained, weightDecay: 0);
        Pretrained = Inside("encoder.safetensors");
        Checkpoint.Write(Pretrained, model, optimizer, new CheckpointState(
            CheckpointState.CurrentVersion, 0, 0, CheckpointState.ToDictionary(config), -7.1f, 4.2f, ManifestHash: ""));
    }

    /// <summary>A checkpoint of pre-training.</summary>
    public string Pretrained { get; }

    public string TaskCsv => tones.CsvPath;

    /// <summary>Four epochs of three steps, with every augmentation.</summary>
    public FineTuningConfig Config => new()
    {
        Checkpoint = Pretrained,
        Task = TaskCsv,
        Epochs = 4,
        Batch = 7, // of 24 clips to train on, some become the validation part
        Optimizer = OptimizerKind.AdamW,
        LearningRate = 3e-3,
        Warmup = 0.1,
        FrequencyMask = 12,
        TimeMask = 12,
        PatchOut = 0.3,
        CheckpointEvery = 1,
    };

    /// <summary>The command line of a run here, of three steps an epoch, that takes seconds.</summary>
    public string[] CommandLine(string run, int epochs) => CommandLine(Pretrained, TaskCsv, Inside(run), $"{epochs}");

    /// <inheritdoc cref="CommandLine(string, int)"/>
    public static string[] CommandLine(string checkpoint, string task, string run, string epochs) =>
    [
        "finetune", checkpoint, "--task", task, "--out", run, "--epochs", epochs, "--batch", "7", "--optimizer", "adamw", "--lr", "5e-3", "--freq-mask", "8", "--time-mask", "8",
        "--patch-out", "0.3", "--mixup", "0", "--checkpoint-every", "1",
    ];

    public string Inside(string name) => Path.Combine(tones.Folder, name);

    /// <summary>Marks the tones in another way: what follows <c>file_name</c> on each line.</summary>
    public void Mark(string columns, Func<int, string> mark) => File.WriteAllLines(TaskCsv, Enumerable.Range(0, 32).Select(i => $"{i}.wav,{mark(i)}").Prepend($"file_name,{columns}"));

    public RunFolder NewRun(string name)
    {
        var folder = new RunFolder(Inside(name));
        folder.Create();
        return folder;
    }

    /// <summary>Trains a new run to its end and tests it, or trains it to <paramref name="stopAt"/>.</summary>
    public (RunFolder Folder, FineTuningResult? Result) Train(string name, FineTuningConfig config, int? stopAt = null, RecordingObserver? observer = null)
    {
        using FineTuningSetup setup = Begin(config);
        RunFolder folder = NewRun(name);
        using var tuner = new FineTuner(folder, setup, observer ?? new RecordingObserver());
        return (folder, tuner.Run(stopAt) == TrainingEnd.Finished ? tuner.Test() : null);
    }

    public static FineTuningSetup Begin(FineTuningConfig config, TrainingGroup? group = null) => FineTuningSetup.Begin(config, SavedModel.Open(config.Checkpoint), group: group);

    public static FineTuningResult Resume(RunFolder folder, TrainingGroup? group = null)
    {
        var observer = new RecordingObserver();
        FineTunedCheckpoint from = FineTunedCheckpoint.ReadToResume(folder.Path);
        using FineTuningSetup setup = FineTuningSetup.Resume(from, from.State.ParsedConfig, changes => throw new UserErrorException(string.Join(", ", changes)), observer, group);
        using var tuner = new FineTuner(folder, setup, observer);
        Assert.Equal(TrainingEnd.Finished, tuner.Run(null));
        return tuner.Test();
    }

    /// <summary>Both runs end with the same bits: the newest checkpoint with the optimiser's memory, the best epoch, the log.</summary>
    public static void AssertSameRun(RunFolder expected, RunFolder actual)
    {
        SameRun.AssertSame(expected, actual);
        IReadOnlyDictionary<string, HostTensor> tensors = SafetensorsFile.Read(expected.BestCheckpoint).Tensors, same = SafetensorsFile.Read(actual.BestCheckpoint).Tensors;
        Assert.Equal(tensors.Keys, same.Keys);
        Assert.All(tensors, tensor => Assert.True(tensor.Value.Data.AsSpan().SequenceEqual(same[tensor.Key].Data), $"{tensor.Key} of the best epoch differs"));
    }

    public void Dispose() => tones.Dispose();
}
