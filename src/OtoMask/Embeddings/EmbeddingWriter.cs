using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;

namespace OtoMask.Embeddings;

/// <summary>
/// Embeds any number of recordings into one file. Threads decode ahead while the model runs; rows stand in the order of the clips, whatever
/// the threads do; memory stays flat, also for recordings of a day. The file appears when it is complete.
/// </summary>
public sealed class EmbeddingWriter
{
    private const string Title = "embedding";
    private const int BatchesGathered = 4; // so many that most inputs find others of their length
    private const int MinutesWorthTelling = 60;

    private readonly EncoderSnapshot encoder;
    private readonly ClipList clips;
    private readonly EmbeddingOptions options;
    private readonly EmbeddingOutput output;
    private readonly IProgress<WorkProgress>? progress;
    private readonly CancellationToken cancellation;
    private readonly LogMelReader reader;
    private readonly int[] longFrames; // T of long recordings, there before the first piece
    private readonly BadFiles bad = new();
    private readonly List<(int Clip, LogMel? Piece)> waiting = []; // without a piece: the clip is complete
    private int inputsWaiting, clipsWritten;
    private double secondsWritten;
    private OpenClip? open;

    private EmbeddingWriter(
        EncoderSnapshot encoder, ClipList clips, EmbeddingOptions options, EmbeddingOutput output, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        (this.encoder, this.clips, this.options, this.output, this.progress, this.cancellation) = (encoder, clips, options, output, progress, cancellation);
        reader = new LogMelReader(encoder.LogMel, cancellation);
        longFrames = new int[clips.Count];
    }

    /// <summary>Embeds recordings. Those that cannot be read are left out and listed in <c>NAME.bad-files.csv</c> beside the output.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="clips">The recordings, or log-mels as <c>.npy</c>.</param>
    /// <param name="path"><c>NAME.npy</c> or <c>NAME.safetensors</c> (tensor <c>embeddings</c>), each with <c>NAME.index.csv</c> beside it, or <c>NAME.csv</c>; replaced if it exists.</param>
    /// <param name="options">How recordings become rows.</param>
    /// <param name="progress">Told now and then, from one thread, of recordings and of the minutes of long ones; or null.</param>
    /// <param name="cancellation">Stops, and leaves no file behind.</param>
    /// <exception cref="UserErrorException">No recording can be used, an option or the ending of <paramref name="path"/> is impossible, or it cannot be written.</exception>
    /// <exception cref="IOException">The disk is full or failed; nothing is left behind.</exception>
    public static EmbeddingSummary Write(
        EncoderSnapshot encoder, ClipList clips, string path, EmbeddingOptions options, IProgress<WorkProgress>? progress = null, CancellationToken cancellation = default)
    {
        options.Validate();
        clips = Without(path, clips);
        RequirePlaces(path, clips.Select(clip => clip.Path));
        var shape = new RowShape(options.Per, options.Layers == EncoderLayers.All ? encoder.Depth : 0, encoder.EmbeddingWidth, encoder.SecondsPerStep);
        string? indexPath = EmbeddingOutput.IndexOf(path);
        EmbeddingSummary? summary = null;
        if (indexPath is null)
            AtomicFile.Write(path, stream => Fill(stream, Stream.Null));
        else
            AtomicFile.Write(indexPath, index => AtomicFile.Write(path, stream => Fill(stream, index))); // the rows appear first
        return summary!;

        void Fill(FileStream stream, Stream index)
        {
            EmbeddingOutput output = EmbeddingOutput.Create(path, stream, index, shape);
            var writer = new EmbeddingWriter(encoder, clips, options, output, progress, cancellation);
            writer.EmbedAll();
            output.Complete();
            summary = new EmbeddingSummary(writer.clipsWritten, output.Rows, shape.Values, writer.secondsWritten, indexPath, writer.ListBadFiles(path), writer.bad.ToList());
            stream.Flush(flushToDisk: true);
            // An index that lies beside rows is theirs: the old one goes before the new rows appear, and the new one comes after them.
            if (indexPath is not null)
                File.Delete(indexPath);
        }
    }

    /// <summary>Checks, before any work, that the embeddings and what goes beside them can be written, and that none of these is read.</summary>
    /// <param name="path">As for <see cref="Write"/>.</param>
    /// <param name="inputs">Files that are read.</param>
    /// <exception cref="UserErrorException">The ending tells no format, one cannot be written, or writing it would destroy an input.</exception>
    internal static void RequirePlaces(string path, IEnumerable<string> inputs)
    {
        EmbeddingOutput.CheckName(path);
        string[] read = [.. inputs];
        foreach (string file in ((string?[])[path, EmbeddingOutput.IndexOf(path), BadFilesOf(path)]).OfType<string>())
            OutputPlace.Require(file, read);
    }

    private static string BadFilesOf(string path) => Path.ChangeExtension(path, ".bad-files.csv");

    /// <summary>The output of an earlier run, if it lies among the recordings, is none of them. That it is one, and no log-mel of the user's,
    /// its index tells.</summary>
    private static ClipList Without(string path, ClipList clips)
    {
        if (EmbeddingOutput.IndexOf(path) is not { } index || !File.Exists(index))
            return clips;
        string own = Path.GetFullPath(path);
        ClipList others = clips.Any(clip => Path.GetFullPath(clip.Path) == own) ? new ClipList(clips.Where(clip => Path.GetFullPath(clip.Path) != own)) : clips;
        return others.Count > 0 ? others : throw new UserErrorException("there is no recording to embed; name some");
    }

    private void EmbedAll()
    {
        int workers = options.Workers > 0 ? options.Workers : Math.Min(Environment.ProcessorCount, 8);
        using var ahead = new ReadAhead<LogMel>(0, clips.Count, workers, Read, cancellation);
        progress?.Report(new WorkProgress(Title, 0, clips.Count));
        for (int clip = 0; clip < clips.Count; clip++)
        {
            try
            {
                Gather(clip, ahead.Pieces(clip));
            }
            catch (BadClipException problem)
            {
                Drop(clip);
                bad.Add(problem.Path, problem.Reason);
            }
            progress?.Report(new WorkProgress(Title, clip + 1, clips.Count));
        }
        EncodeWaiting();
        if (clipsWritten == 0)
            throw bad.WhenAllAreBad();
    }

    private void Read(int clip, Action<LogMel> take)
    {
        using LogMelFile file = reader.Open(clips[clip].Path);
        longFrames[clip] = file.FramesIfLong();
        foreach (LogMel piece in file.ReadPieces(encoder.Input.Frames))
            take(piece);
    }

    private void Gather(int clip, IEnumerable<LogMel> pieces)
    {
        int batches = options.Layers == EncoderLayers.All ? 1 : BatchesGathered;
        double seconds = 0;
        foreach (LogMel piece in pieces)
        {
            waiting.Add((clip, piece));
            inputsWaiting += (piece.Frames + encoder.Input.Frames - 1) / encoder.Input.Frames;
            if (inputsWaiting >= batches * options.Batch)
                EncodeWaiting();

            seconds += SecondsOf(piece.Frames);
            int minutes = (int)(SecondsOf(longFrames[clip]) / 60);
            if (minutes >= MinutesWorthTelling)
                progress?.Report(new WorkProgress($"{clips[clip].Name}, minutes of sound", Math.Min(minutes, (int)(seconds / 60)), minutes));
        }
        waiting.Add((clip, null));
    }

    /// <summary>Forgets what is there of a clip that turned out bad before its end.</summary>
    private void Drop(int clip)
    {
        waiting.RemoveAll(item => item.Clip == clip);
        if (open?.Clip != clip)
            return;
        output.Drop();
        open = null;
    }

    private void EncodeWaiting()
    {
        IReadOnlyList<FrameEmbeddings> encoded = encoder.Encode([.. waiting.Select(item => item.Piece).OfType<LogMel>()], options.Layers, options.Batch, cancellation);
        int next = 0;
        foreach ((int clip, LogMel? piece) in waiting)
        {
            open ??= Open(clip);
            if (piece is null)
                Close(open);
            else
                Take(open, piece, encoded[next++]);
        }
        waiting.Clear();
        inputsWaiting = 0;
    }

    private OpenClip Open(int clip)
    {
        output.Begin(clips[clip].Name);
        return new OpenClip(clip, new TimeMean(encoder.WidthOf(options.Layers)));
    }

    private void Take(OpenClip clip, LogMel piece, FrameEmbeddings encoded)
    {
        clip.Frames += piece.Frames;
        if (options.Per == EmbeddingRow.Frame)
            output.Add(encoded.Values);
        else
            clip.Mean.Add(encoded);
    }

    private void Close(OpenClip clip)
    {
        if (options.Per == EmbeddingRow.Clip)
        {
            var mean = new float[encoder.WidthOf(options.Layers)];
            clip.Mean.CopyTo(mean);
            output.Add(mean);
        }
        double seconds = SecondsOf(clip.Frames - 1); // n samples give n / hop + 1 frames
        output.End(seconds);
        secondsWritten += seconds;
        clipsWritten++;
        open = null;
    }

    /// <summary>Writes the list of bad files beside the output, or takes away that of an earlier run.</summary>
    private string? ListBadFiles(string path)
    {
        string list = BadFilesOf(path);
        if (bad.Count == 0)
        {
            File.Delete(list);
            return null;
        }
        bad.WriteCsv(list);
        return list;
    }

    private double SecondsOf(long frames) => (double)frames * encoder.LogMel.HopSize / encoder.LogMel.SampleRate;

    /// <summary>A clip whose rows are being written.</summary>
    private sealed class OpenClip(int clip, TimeMean mean)
    {
        public int Clip { get; } = clip;
        public TimeMean Mean { get; } = mean;
        public long Frames { get; set; }
    }
}
