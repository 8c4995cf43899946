using OtoMask.App.Serve.Listening;
using OtoMask.App.Serve.Watching;
using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Torch;

namespace OtoMask.App.Serve.Mapping;

// n clips, D numbers of an embedding, k directions.

/// <summary>A clip on a map.</summary>
/// <param name="Name">Its name in the set.</param>
/// <param name="Label">Its labels, or the folder it lies in where there are none.</param>
/// <param name="Split"><c>train</c>, <c>valid</c> or <c>test</c>; null where there are no splits.</param>
/// <param name="Predicted">What a linear probe says of a test clip.</param>
internal sealed record MappedClip(string Name, string Label, string? Split = null, string? Predicted = null);

/// <summary>The embeddings of a set of recordings, as few numbers, with what a linear probe makes of them.</summary>
internal sealed class ClipMap
{
    /// <summary>The most clips on a map.</summary>
    public const int MostClips = 6000;

    private const int MostDirections = 50, ClipsAtOnce = 128, Nearest = 8;
    private const ulong ProbeSeed = 42;
    private static readonly Operator EigenvectorsOp = new("aten::linalg_eigh");

    private readonly float[] embeddings; // [n, D], standardised
    private readonly int width;

    private ClipMap(IReadOnlyList<MappedClip> clips, float[] rows, int width)
    {
        (Clips, this.width) = (clips, width);
        embeddings = Standardiser.Fit(rows, width).Apply(rows);
        (Points, Shares) = Principal(embeddings, clips.Count, width);
    }

    /// <summary>The clips that could be read.</summary>
    public IReadOnlyList<MappedClip> Clips { get; }

    /// <summary>[n, k], the standardised embeddings along their principal directions, the first one first; k is 50 or less.</summary>
    public float[] Points { get; }

    /// <summary>[k], the share of the variance along each.</summary>
    public double[] Shares { get; }

    /// <summary>Of a task: in the order of its labels, which are rows and columns of confusions; else empty.</summary>
    public IReadOnlyList<string> Classes { get; private init; } = [];

    /// <summary>Test accuracy of the linear probe in %, with its interval over clips; null where there are no labels of one class each.</summary>
    public Interval? Accuracy { get; private init; }

    /// <summary>What somebody who looks at it should know, one line each.</summary>
    public IReadOnlyList<string> Notes { get; private init; } = [];

    /// <summary>Embeds a set of recordings by a run's encoder as of its last checkpoint.</summary>
    /// <param name="book">The runs.</param>
    /// <param name="run">Which.</param>
    /// <param name="isUntrained">Whether the network of that shape is taken as it was before training.</param>
    /// <param name="sets">The sets.</param>
    /// <param name="set">Which.</param>
    /// <param name="progress">Is told.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="UserErrorException">The run has no checkpoint, or the set cannot be read.</exception>
    public static ClipMap Make(RunBook book, string run, bool isUntrained, SoundSets sets, SoundSet set, IProgress<WorkProgress> progress, CancellationToken cancellation)
    {
        using var trained = TrainedRun.Load(book, run);
        using EncoderSnapshot? untrained = isUntrained ? trained.Encoder.Untrained(ProbeSeed) : null;
        EncoderSnapshot encoder = untrained ?? trained.Encoder;
        return set.IsTask ? OfTask(encoder, set, progress, cancellation) : OfRecordings(encoder, sets, set, progress, cancellation);
    }

    /// <summary>The clips nearest to one by the cosine of standardised embeddings, the nearest first.</summary>
    /// <param name="clip">Position of the one.</param>
    /// <returns>Positions and cosines.</returns>
    /// <exception cref="UserErrorException">There is no such clip.</exception>
    public IReadOnlyList<(int Clip, double Cosine)> NearestTo(int clip)
    {
        if ((uint)clip >= (uint)Clips.Count)
            throw new UserErrorException($"there is no clip {clip} on this map");
        return [.. Enumerable.Range(0, Clips.Count).Where(other => other != clip).AsParallel().Select(other => (Clip: other, Cosine: Cosine(clip, other)))
            .OrderByDescending(other => other.Cosine).ThenBy(other => other.Clip).Take(Nearest)];
    }

    private static ClipMap OfTask(EncoderSnapshot encoder, SoundSet set, IProgress<WorkProgress> progress, CancellationToken cancellation)
    {
        var task = LabelledTask.Read(set.Path);
        if (task.Clips.Count > MostClips)
            throw new UserErrorException($"{set.Name} has {task.Clips.Count} clips, and a map shows {MostClips} at the most; name a CSV with fewer by --data");
        var read = new TaskClips(task, encoder.LogMel, TaskClips.UnitOf(encoder));
        var embedded = EmbeddedTask.Embed(read, new EncoderEmbedding(encoder, set.Name), progress, cancellation);
        Dictionary<int, int> predicted = [];
        ProbeResult? probe = null;
        if (!task.IsMultiLabel)
        {
            progress.Report(new WorkProgress("fit a linear probe", 0, 1));
            probe = LinearProbe.Run(embedded, ProbeMode.Tuned, [ProbeSeed], progress: null, cancellation);
            int classes = task.Classes.Count;
            foreach ((int row, int clip) in probe.TestClips.Index())
                predicted[clip] = Scores.ArgMax(probe.Runs[0].Logits.AsSpan(row * classes, classes));
        }
        int[] test = [.. embedded.Folds.SelectMany(fold => fold.Test).Distinct()];
        int[] trainedOn = [.. embedded.Folds.SelectMany(fold => fold.Train.Concat(fold.Valid)).Distinct().Except(test)];
        MappedClip[] clips = [.. trainedOn.Concat(test).Select(clip => new MappedClip(
            task.Clips[clip].Name, string.Join("; ", task.Clips[clip].Labels.Select(label => task.Classes[label])),
            task.Folds.Count > 0 ? null : task.Clips[clip].Split.ToString().ToLowerInvariant(),
            predicted.TryGetValue(clip, out int label) ? task.Classes[label] : null))];
        return new ClipMap(clips, [.. embedded.Rows(trainedOn, ClipView.RandomCrop), .. embedded.Rows(test, ClipView.FromStart)], embedded.Width)
        {
            Classes = probe is null ? [] : task.Classes,
            Accuracy = probe is null ? null : Intervals.OverClips(probe),
            Notes = [.. probe?.Notes ?? [], .. Told(read.Unreadable)],
        };
    }

    private static ClipMap OfRecordings(EncoderSnapshot encoder, SoundSets sets, SoundSet set, IProgress<WorkProgress> progress, CancellationToken cancellation)
    {
        ClipList all = sets.ClipsOf(set);
        int count = Math.Min(MostClips, all.Count);
        Clip[] chosen = [.. Enumerable.Range(0, count).Select(i => all[(int)((long)i * all.Count / count)])];
        var extractor = new LogMelExtractor(encoder.LogMel);
        var embedding = new EncoderEmbedding(encoder, set.Name);
        var bad = new BadFiles();
        List<MappedClip> clips = [];
        List<float> rows = [];
        double seconds = (double)TaskClips.UnitOf(encoder) / encoder.LogMel.SampleRate;
        foreach (Clip[] group in chosen.Chunk(ClipsAtOnce))
        {
            var read = new LogMel?[group.Length];
            Parallel.For(0, group.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation }, i =>
            {
                try
                {
                    read[i] = extractor.Compute(AudioFile.ReadMono(group[i].Path, encoder.LogMel.SampleRate, seconds, cancellation));
                }
                catch (UnreadableAudioException problem)
                {
                    bad.Add(problem.Path, problem.Reason);
                }
            });
            LogMel[] present = [.. read.OfType<LogMel>()];
            var values = new float[present.Length * embedding.Width];
            embedding.Embed(present, values);
            rows.AddRange(values);
            clips.AddRange(group.Where((_, i) => read[i] is not null).Select(clip => new MappedClip(clip.Name, FolderOf(clip.Name))));
            progress.Report(new WorkProgress("embed", clips.Count + bad.Count, count));
        }
        if (clips.Count < 2)
            throw new UserErrorException($"{set.Name}: of {count} recordings, {clips.Count} can be read{(bad.ToList() is [var first, ..] ? $"; {first.Path}: {first.Reason}" : "")}; a map needs two");
        string[] notes = count < all.Count ? [$"{count} of {all.Count} clips, evenly from the first to the last"] : [];
        return new ClipMap(clips, [.. rows], embedding.Width) { Notes = [.. notes, .. Told(bad)] };
    }

    private static string[] Told(BadFiles bad) => bad.ToList() is [var first, ..] files ? [$"{files.Count} could not be read; the first: {first.Path}: {first.Reason}"] : [];

    private static string FolderOf(string name) => name.LastIndexOf('/') is > 0 and int end ? name[..end] : "recordings";

    private double Cosine(int one, int other)
    {
        ReadOnlySpan<float> a = embeddings.AsSpan(one * width, width), b = embeddings.AsSpan(other * width, width);
        (double product, double first, double second) = (0, 0, 0);
        for (int i = 0; i < a.Length; i++)
            (product, first, second) = (product + a[i] * b[i], first + a[i] * a[i], second + b[i] * b[i]);
        return first * second > 0 ? product / Math.Sqrt(first * second) : 0;
    }

    /// <summary>Principal components by the eigenvectors of whichever product of the rows is smaller.</summary>
    internal static (float[] Points, double[] Shares) Principal(float[] rows, int count, int width)
    {
        using IDisposable frozen = TorchRuntime.NoGrad();
        using var scope = new TensorScope();
        int directions = Math.Min(MostDirections, Math.Min(count - 1, width));
        Tensor x = Tensor.Send(Device.Cpu, rows, count, width), transposed = x.Transpose(0, 1);
        Tensor[] solved = EigenvectorsOp.CallMany(width <= count ? transposed.MatMul(x) : x.MatMul(transposed), "L"); // ascending
        int size = Math.Min(width, count);
        float[] values = solved[0].ToArray<float>();
        Tensor vectors = solved[1].Narrow(1, size - directions, directions);
        float[] found = (width <= count ? x.MatMul(vectors) : vectors).Contiguous().ToArray<float>(); // [n, k], ascending
        var points = new float[count * directions];
        var shares = new double[directions];
        double all = values.Sum(value => Math.Max(0, (double)value));
        for (int k = 0; k < directions; k++)
        {
            int from = directions - 1 - k;
            double value = Math.Max(0, values[size - 1 - k]), scale = width <= count ? 1 : Math.Sqrt(value);
            shares[k] = all > 0 ? value / all : 0;
            // A direction may point either way: the farthest clip lies on its positive side.
            double farthest = 0;
            for (int clip = 0; clip < count; clip++)
                farthest = Math.Abs(found[clip * directions + from]) > Math.Abs(farthest) ? found[clip * directions + from] : farthest;
            for (int clip = 0; clip < count; clip++)
                points[clip * directions + k] = (float)(found[clip * directions + from] * scale * (farthest < 0 ? -1 : 1));
        }
        return (points, shares);
    }
}
