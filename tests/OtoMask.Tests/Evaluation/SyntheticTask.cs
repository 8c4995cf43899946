using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Randomness;

namespace OtoMask.Tests.Evaluation;

/// <summary>A task that exists only as a CSV, with embeddings drawn for it.</summary>
internal sealed class SyntheticTask : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-evaluation-").FullName;

    public SyntheticTask(IEnumerable<string> lines, string columns = "file_name,label,split")
    {
        CsvPath = Path.Combine(folder, "task.csv");
        File.WriteAllLines(CsvPath, lines.Prepend(columns));
        Task = LabelledTask.Read(CsvPath);
    }

    public string CsvPath { get; }

    public LabelledTask Task { get; }

    /// <summary>Clips of <paramref name="classes"/> classes in turn, the last quarter to test on.</summary>
    public static SyntheticTask Balanced(int clips, int classes) =>
        new(Enumerable.Range(0, clips).Select(i => $"{i}.wav,class{i % classes:00},{(i < clips * 3 / 4 ? "train" : "test")}"));

    /// <summary>Embeddings of noise around class means that lie <paramref name="distance"/> from 0.</summary>
    public EmbeddedTask Embed(int width, double distance, ulong seed = 1)
    {
        float[][] means = [.. Task.Classes.Select((_, c) => Normal(width, new RandomStream(seed, RandomPurpose.Probe, 1, c), distance))];
        return EmbeddedTask.From(Task, "synthetic", width, [.. Task.Clips.Select((clip, i) =>
        {
            float[] row = Normal(width, new RandomStream(seed, RandomPurpose.Probe, 2, i), 1);
            foreach (int label in clip.Labels)
            {
                for (int d = 0; d < width; d++)
                    row[d] += means[label][d];
            }
            return row;
        })]);
    }

    public static float[] Normal(int count, RandomStream random, double deviation)
    {
        var values = new float[count];
        foreach (ref float value in values.AsSpan())
            value = (float)(random.NextNormal() * deviation);
        return values;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
