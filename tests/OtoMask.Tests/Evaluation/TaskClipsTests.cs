using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Randomness;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class TaskClipsTests : IDisposable
{
    private const int Unit = 48 * 160 - 1;
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-task-").FullName;

    [Fact]
    public void ShortClipsArePaddedWithZerosOnTheRight()
    {
        LabelledTask task = Write(("short.wav", "a", "train", 4000), ("t.wav", "b", "test", 4000), ("u.wav", "a", "train", 4000));
        LogMel read = new TaskClips(task, LogMelSettings.Default, Unit).Read(0, ClipView.RandomCrop)!;
        var padded = new float[Unit];
        AudioFile.ReadMono(task.Clips[0].Path, 16000).CopyTo(padded, 0);
        Assert.Equal(48, read.Frames);
        Assert.Equal(new LogMelExtractor(LogMelSettings.Default).Compute(padded).Values, read.Values);
    }

    [Fact]
    public void LongClipsAreCutAtRandomForTrainingAndFromTheStartForTheTest()
    {
        LabelledTask task = Write(("long.wav", "a", "train", 40000), ("other.wav", "b", "train", 40000), ("t.wav", "a", "test", 40000));
        var clips = new TaskClips(task, LogMelSettings.Default, Unit);
        var extractor = new LogMelExtractor(LogMelSettings.Default);
        Assert.Equal(extractor.Compute(AudioFile.ReadMono(task.Clips[2].Path, 16000).AsSpan(0, Unit)).Values, clips.Read(2, ClipView.FromStart)!.Values);

        float[] crop = clips.Read(0, ClipView.RandomCrop)!.Values;
        Assert.NotEqual(extractor.Compute(AudioFile.ReadMono(task.Clips[0].Path, 16000).AsSpan(0, Unit)).Values, crop);
        Assert.Equal(crop, new TaskClips(task, LogMelSettings.Default, Unit, memoryBudget: 0).Read(0, ClipView.RandomCrop)!.Values);
        Assert.NotEqual(crop, new TaskClips(task, LogMelSettings.Default, Unit, seed: 1).Read(0, ClipView.RandomCrop)!.Values);
    }

    [Fact]
    public void UnreadableClipsAreLeftOutAndListed()
    {
        LabelledTask task = Write(("0.wav", "a", "train", 4000), ("1.wav", "b", "train", 4000), ("2.wav", "b", "train", 4000), ("3.wav", "a", "test", 4000), ("4.wav", "b", "test", 4000));
        File.WriteAllText(task.Clips[1].Path, "no sound");
        EmbeddedTask embedded = EmbeddedTask.Embed(new TaskClips(task, LogMelSettings.Default, Unit), new LogMelStatistics(80));
        Assert.Equal([0, 2], embedded.Folds[0].Train);
        Assert.Equal(task.Clips[1].Path, Assert.Single(embedded.Unreadable.ToList()).Path);
        Assert.Equal(1, LinearProbe.Run(embedded, ProbeMode.Tuned, [1]).Counts.Unreadable);

        File.Delete(task.Clips[3].Path);
        File.Delete(task.Clips[4].Path);
        var error = Assert.Throws<UserErrorException>(() => EmbeddedTask.Embed(new TaskClips(task, LogMelSettings.Default, Unit), new LogMelStatistics(80)));
        Assert.Contains("too few clips to test on", error.Message);
    }

    [Theory]
    [InlineData("file_name,label,split\n0.wav,a,train\n1.wav,b,test\n2.wav,a,test", ": too few clips to train on; mark more in the CSV")]
    [InlineData("file_name,label,split\n0.wav,a,train\n1.wav,a,train\n2.wav,b,test", ": clips of one class alone to train on; mark more in the CSV")]
    [InlineData("file_name,label,split,fold\n0.wav,a,train,1\n1.wav,b,train,2\n2.wav,b,train,2", ", fold 1: clips of one class alone to train on; mark more in the CSV")]
    public void TooLittleToLearnFromIsRefused(string csv, string message)
    {
        LabelledTask task = Write(("0.wav", "a", "train", 4000), ("1.wav", "b", "train", 4000), ("2.wav", "a", "test", 4000));
        File.WriteAllText(task.CsvPath, csv);
        var error = Assert.Throws<UserErrorException>(
            () => EmbeddedTask.Embed(new TaskClips(LabelledTask.Read(task.CsvPath), LogMelSettings.Default, Unit), new LogMelStatistics(80)));
        Assert.Equal(task.CsvPath + message, error.Message);
    }

    [Fact]
    public void LogMelStatisticsAreMeansThenDeviations()
    {
        var rows = new float[4];
        new LogMelStatistics(2).Embed([new LogMel(2, 4, [1, 1, 3, 3, 5, 5, 5, 5])], rows);
        Assert.Equal([2, 5, 1, 0], rows);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private LabelledTask Write(params (string Name, string Label, string Split, int Samples)[] clips)
    {
        foreach (var (clip, index) in clips.Select((clip, index) => (clip, index)))
            AudioFile.WriteWav(Path.Combine(folder, clip.Name), SyntheticTask.Normal(clip.Samples, new RandomStream(3, RandomPurpose.Crop, 0, index), 0.1), 16000);
        string csv = Path.Combine(folder, "task.csv");
        File.WriteAllLines(csv, clips.Select(clip => $"{clip.Name},{clip.Label},{clip.Split}").Prepend("file_name,label,split"));
        return LabelledTask.Read(csv);
    }
}
