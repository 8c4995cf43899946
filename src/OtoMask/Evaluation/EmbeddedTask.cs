using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Torch;

namespace OtoMask.Evaluation;

/// <summary>Positions, in the task, of the clips of one fold.</summary>
/// <param name="Train">Clips to fit on.</param>
/// <param name="Valid">Clips to choose by; empty when the task marks none.</param>
/// <param name="Test">Clips to score on.</param>
public sealed record FoldClips(int[] Train, int[] Valid, int[] Test);

/// <summary>Every clip of a task as one vector, computed once; probes of any seed and mode run on it.</summary>
public sealed class EmbeddedTask
{
    private const int ClipsAtOnce = 256;
    private readonly float[]?[] cropped, fromStart;

    private EmbeddedTask(LabelledTask task, string embedding, int width, float[]?[] cropped, float[]?[] fromStart, BadFiles unreadable, Device device)
    {
        (Task, Embedding, Width, this.cropped, this.fromStart, Unreadable, Device) = (task, embedding, width, cropped, fromStart, unreadable, device);
        Folds = task.Folds.Count == 0 ? [SplitByColumn()] : [.. task.Folds.Select(SplitByFold)];
    }

    /// <summary>The clips and their labels.</summary>
    public LabelledTask Task { get; }

    /// <summary>Name of the embedding.</summary>
    public string Embedding { get; }

    /// <summary>Numbers of one embedding.</summary>
    public int Width { get; }

    /// <summary>Where probes compute.</summary>
    public Device Device { get; }

    /// <summary>The clips that were left out.</summary>
    public BadFiles Unreadable { get; }

    /// <summary>The folds of the task, or the one split it gives.</summary>
    public IReadOnlyList<FoldClips> Folds { get; }

    /// <summary>Embeds every clip of a task, in the views that its folds ask for.</summary>
    /// <param name="clips">The clips at unit length.</param>
    /// <param name="embedding">What embeds them.</param>
    /// <param name="progress">Told of clips, or null.</param>
    /// <param name="cancellation">Stops between two batches of clips.</param>
    /// <exception cref="UserErrorException">Of some fold no clip to test on can be read, or not those of two classes to train on.</exception>
    public static EmbeddedTask Embed(TaskClips clips, IClipEmbedding embedding, IProgress<WorkProgress>? progress = null, CancellationToken cancellation = default)
    {
        LabelledTask task = clips.Task;
        int count = task.Clips.Count;
        bool folded = task.Folds.Count > 0; // then every clip is tested on once and trained on otherwise
        int[] all = [.. Enumerable.Range(0, count)];
        int[] trained = folded ? all : [.. all.Where(clip => task.Clips[clip].Split != TaskSplit.Test)];
        int[] tested = folded ? all : [.. all.Where(clip => task.Clips[clip].Split == TaskSplit.Test)];

        int total = trained.Length + tested.Length;
        void Tell(int done)
        {
            progress?.Report(new WorkProgress($"embed {task.Name}", done, total));
            cancellation.ThrowIfCancellationRequested();
        }

        float[]?[] cropped = EmbedView(clips, embedding, trained, ClipView.RandomCrop, Tell);
        float[]?[] fromStart = EmbedView(clips, embedding, tested, ClipView.FromStart, done => Tell(trained.Length + done));
        var embedded = new EmbeddedTask(task, embedding.Name, embedding.Width, cropped, fromStart, clips.Unreadable, embedding.Device);
        embedded.CheckParts();
        return embedded;
    }

    /// <summary>A task of given embeddings, the same in both views; null for clips that are left out.</summary>
    /// <param name="task">The clips and their labels.</param>
    /// <param name="embedding">Name of the embedding.</param>
    /// <param name="width">Numbers of one embedding.</param>
    /// <param name="rows">One embedding a clip.</param>
    /// <param name="device">Where probes compute; null = on the processor.</param>
    public static EmbeddedTask From(LabelledTask task, string embedding, int width, float[]?[] rows, Device? device = null) =>
        new(task, embedding, width, rows, rows, new BadFiles(), device ?? Device.Cpu);

    /// <summary>The same clips by a part of their embeddings.</summary>
    /// <param name="embedding">Name of the part.</param>
    /// <param name="first">Where it begins.</param>
    /// <param name="width">Numbers of it.</param>
    internal EmbeddedTask Part(string embedding, int first, int width)
    {
        float[]?[] Of(float[]?[] rows) => [.. rows.Select(row => row?[first..(first + width)])];
        return new EmbeddedTask(Task, embedding, width, Of(cropped), Of(fromStart), Unreadable, Device);
    }

    /// <summary>The embeddings of some clips, [clips, Width].</summary>
    /// <param name="clips">Their positions in the task.</param>
    /// <param name="view">What was seen of them: a crop, or the clip from its start.</param>
    /// <exception cref="InvalidOperationException">A clip was not embedded in this view.</exception>
    public float[] Rows(IReadOnlyList<int> clips, ClipView view)
    {
        float[]?[] source = view == ClipView.FromStart ? fromStart : cropped;
        var rows = new float[clips.Count * Width];
        for (int i = 0; i < clips.Count; i++)
        {
            float[] row = source[clips[i]] ?? throw new InvalidOperationException($"{Task.Clips[clips[i]].Name} has no embedding in the view {view}");
            row.CopyTo(rows, i * Width);
        }
        return rows;
    }

    private static float[]?[] EmbedView(TaskClips clips, IClipEmbedding embedding, int[] ids, ClipView view, Action<int> progress)
    {
        var rows = new float[]?[clips.Task.Clips.Count];
        int done = 0;
        foreach (int[] group in ids.Chunk(ClipsAtOnce))
        {
            var read = new LogMel?[group.Length];
            Parallel.For(0, group.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i => read[i] = clips.Read(group[i], view));

            LogMel[] present = [.. read.OfType<LogMel>()];
            var values = new float[present.Length * embedding.Width];
            embedding.Embed(present, values);
            int next = 0;
            for (int i = 0; i < group.Length; i++)
            {
                if (read[i] is not null)
                    rows[group[i]] = values.AsSpan(next++ * embedding.Width, embedding.Width).ToArray();
            }
            progress(done += group.Length);
        }
        return rows;
    }

    private FoldClips SplitByColumn() => new(
        Present(clip => clip.Split == TaskSplit.Train, cropped),
        Present(clip => clip.Split == TaskSplit.Valid, cropped),
        Present(clip => clip.Split == TaskSplit.Test, fromStart));

    private FoldClips SplitByFold(int fold) => new(
        Present(clip => clip.Fold != fold, cropped),
        [],
        Present(clip => clip.Fold == fold, fromStart));

    private int[] Present(Func<LabelledClip, bool> belongs, float[]?[] rows) =>
        [.. Enumerable.Range(0, Task.Clips.Count).Where(clip => belongs(Task.Clips[clip]) && rows[clip] is not null)];

    private void CheckParts()
    {
        foreach ((int index, FoldClips fold) in Folds.Index())
        {
            string? lacking = fold.Test.Length == 0 ? "too few clips to test on"
                : fold.Train.Length < 2 ? "too few clips to train on"
                : Task.ClassesOf(fold.Train).Count < 2 ? "clips of one class alone to train on"
                : null;
            if (lacking is null)
                continue;
            string place = Task.Folds.Count == 0 ? Task.CsvPath : $"{Task.CsvPath}, fold {Task.Folds[index]}";
            BadFile? first = Unreadable.ToList().FirstOrDefault();
            throw new UserErrorException($"{place}: {lacking}"
                + (first is null ? "; mark more in the CSV" : $" can be read; the first that cannot, {first.Path}: {first.Reason}"));
        }
    }
}
