using OtoMask.App.Reports;
using OtoMask.Audio;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Masking;

namespace OtoMask.App.Serve.Listening;

/// <summary>The part of a sound that a page shows, cut in patches, ready for masks to be drawn on it.</summary>
/// <remarks>A run's model sees inputs of its own length: the part is cut in such pieces, each masked by itself, the last one shorter. Without a run it is one piece.</remarks>
internal sealed class ViewedSound
{
    private readonly MaskSketch[] pieces;
    private readonly int pieceColumns;

    private ViewedSound(LogMel logMel, float[] samples, LogMelSettings frontEnd, int patchHeight, int patchWidth, int pieceColumns, Func<LogMel, MaskSketch> sketch)
    {
        (LogMel, Samples, FrontEnd, PatchHeight, PatchWidth, this.pieceColumns) = (logMel, samples, frontEnd, patchHeight, patchWidth, pieceColumns);
        Grid = PatchGrid.Of(logMel.Bands, logMel.Frames, patchHeight, patchWidth);
        pieces = [.. Enumerable.Range(0, (Grid.Columns + pieceColumns - 1) / pieceColumns).Select(piece => sketch(PieceOf(piece)))];
    }

    /// <summary>[F, T] of whole patches.</summary>
    public LogMel LogMel { get; }

    /// <summary>The sound at the front end's rate, as long as the log-mel or less.</summary>
    public float[] Samples { get; }

    /// <summary>The front end.</summary>
    public LogMelSettings FrontEnd { get; }

    /// <summary>Makes sound of its log-mel and of parts of it.</summary>
    public LogMelSynthesis Synthesis => field ??= new LogMelSynthesis(FrontEnd);

    /// <summary>Patches along frequency and time.</summary>
    public PatchGrid Grid { get; }

    /// <summary>ph, bands of one patch.</summary>
    public int PatchHeight { get; }

    /// <summary>pw, frames of one patch.</summary>
    public int PatchWidth { get; }

    /// <summary>Columns of patches of a piece; the last piece may have fewer.</summary>
    public int PieceColumns => Math.Min(pieceColumns, Grid.Columns);

    /// <summary>Patches of a piece.</summary>
    public int PatchesOfPiece => pieces[0].Grid.Count;

    /// <summary>Cuts a part of a sound in patches.</summary>
    /// <param name="sound">The sound.</param>
    /// <param name="from">Where the part begins, in seconds.</param>
    /// <param name="seconds">How long it is at most.</param>
    /// <param name="patch">Height and width of a patch, where there is no run.</param>
    /// <param name="run">The run whose encoder informs strategies, or null.</param>
    /// <exception cref="UserErrorException">Nothing of the sound lies there, the patch does not divide the bands, or there are too many patches.</exception>
    public static ViewedSound Of(HeldSound sound, double from, double seconds, (int Height, int Width) patch, TrainedRun? run)
    {
        LogMelSettings frontEnd = run?.Encoder.LogMel ?? LogMelSettings.Default;
        (int height, int width) = run is null ? patch : (run.Encoder.Input.PatchHeight, run.Encoder.Input.PatchWidth);
        ReadOnlySpan<float> all = sound.Sound.At(frontEnd.SampleRate).Span;
        int first = (int)Math.Round(from * frontEnd.SampleRate);
        if (first < 0 || first >= all.Length)
            throw new UserErrorException($"{sound.Name} is {sound.Seconds:0.00} s long: nothing of it lies at {from} s");
        // A window more than shown, so that the last frame is not a reflection.
        int read = (int)((seconds + (double)frontEnd.FftSize / frontEnd.SampleRate) * frontEnd.SampleRate);
        LogMel shown = ClipFrames.WithinSeconds(new LogMelExtractor(frontEnd).Compute(all.Slice(first, Math.Min(read, all.Length - first))), seconds);
        int frames = Math.Max(shown.Frames / width, 1) * width;
        PatchGrid grid = PatchGrid.Of(shown.Bands, frames, height, width);
        if (grid.Count > MaskSketch.MostPatches)
            throw new UserErrorException($"{grid.Rows}x{grid.Columns} patches are more than a page can show ({MaskSketch.MostPatches}); choose a larger patch");
        var logMel = new LogMel(shown.Bands, frames, ClipFrames.WholePatches(shown, frames));
        float[] samples = all.Slice(first, Math.Min(frames * frontEnd.HopSize - 1, all.Length - first)).ToArray();
        if (run is not null)
            return new ViewedSound(logMel, samples, frontEnd, height, width, run.Encoder.Input.Grid.Columns, piece => Informed(piece, run.Encoder));
        return new ViewedSound(logMel, samples, frontEnd, height, width, grid.Columns, whole => MaskSketch.Of(ClipFrames.Normalised(whole.Values), whole.Bands, whole.Frames, height, width));
    }

    /// <summary>Draws the mask of a strategy.</summary>
    /// <param name="masking">The strategy.</param>
    /// <param name="ratio">Share of patches masked, in (0, 1).</param>
    /// <param name="hint">Hint ratio, in [0, 1].</param>
    /// <param name="seed">Seed of the draw.</param>
    /// <exception cref="UserErrorException">It would leave nothing visible or nothing masked.</exception>
    public PatchMask Draw(MaskingInfo masking, double ratio, double hint, ulong seed)
    {
        var isMasked = new bool[Grid.Count];
        for (int piece = 0; piece < pieces.Length; piece++)
        {
            if (pieces[piece].Impossible(masking, ratio) is { } reason)
            {
                if (piece == 0)
                    throw new UserErrorException(reason);
                continue; // what is left at the end is too short for it, and all of it is seen
            }
            int columns = pieces[piece].Grid.Columns;
            foreach (int id in pieces[piece].Draw(masking, ratio, masking.Heeded(hint), seed, piece).Masked)
                isMasked[id / columns * Grid.Columns + piece * pieceColumns + id % columns] = true;
        }
        return PatchMask.Of(isMasked, isMasked.Count(masked => masked));
    }

    /// <summary>[F, T], whether a value lies in a patch that is visible.</summary>
    public bool[] Heard(PatchMask mask)
    {
        var isHeard = new bool[LogMel.Values.Length];
        foreach (int id in mask.Visible)
        {
            int left = id % Grid.Columns * PatchWidth;
            for (int band = id / Grid.Columns * PatchHeight, end = band + PatchHeight; band < end; band++)
                isHeard.AsSpan(band * LogMel.Frames + left, PatchWidth).Fill(true);
        }
        return isHeard;
    }

    /// <summary>The log-mel with its masked patches as a run's model predicts them.</summary>
    /// <exception cref="UserErrorException">The run's model predicts no patches.</exception>
    public LogMel Reconstruct(PatchMask mask, TrainedRun run)
    {
        if (run.Autoencoder is not { } model)
            throw new UserErrorException($"{run.Id} does not predict what patches look like; choose a pre-training of MSM-MAE");
        float[] values = [.. LogMel.Values];
        var isMasked = new bool[Grid.Count];
        foreach (int id in mask.Masked)
            isMasked[id] = true;
        for (int piece = 0; piece < pieces.Length; piece++)
        {
            int columns = pieces[piece].Grid.Columns, first = piece * pieceColumns;
            PatchMask own = MaskOfPiece(isMasked, columns, first);
            if (own.Masked.Length == 0 || own.Visible.Length == 0)
                continue;
            LogMel truth = PieceOf(piece);
            float[] predicted = PatchReconstruction.Of(model, run.Encoder.Statistics, truth, own.Visible, own.Masked);
            for (int band = 0; band < LogMel.Bands; band++)
                predicted.AsSpan(band * truth.Frames, truth.Frames).CopyTo(values.AsSpan(band * LogMel.Frames + first * PatchWidth));
        }
        return LogMel with { Values = values };
    }

    private PatchMask MaskOfPiece(bool[] isMasked, int columns, int first)
    {
        var own = new bool[Grid.Rows * columns];
        for (int id = 0; id < own.Length; id++)
            own[id] = isMasked[id / columns * Grid.Columns + first + id % columns];
        return PatchMask.Of(own, own.Count(masked => masked));
    }

    private LogMel PieceOf(int piece)
    {
        int first = piece * pieceColumns * PatchWidth;
        return LogMel.Part(first, Math.Min(pieceColumns * PatchWidth, LogMel.Frames - first));
    }

    /// <summary>A piece as a model in training sees it: normalised as its data, with what its encoder makes of the patches.</summary>
    private static MaskSketch Informed(LogMel piece, EncoderSnapshot encoder)
    {
        FrameEmbeddings steps = encoder.Encode(piece); // [columns, rows * D]
        int width = encoder.TokenWidth;
        float[] normalised = [.. piece.Values];
        encoder.Statistics.Apply(normalised);
        var sketch = MaskSketch.Of(normalised, piece.Bands, piece.Frames, encoder.Input.PatchHeight, encoder.Input.PatchWidth);
        var features = new float[sketch.Grid.Count * width];
        for (int id = 0; id < sketch.Grid.Count; id++)
        {
            int row = id / sketch.Grid.Columns, column = id % sketch.Grid.Columns;
            steps.Values.AsSpan(column * steps.Width + row * width, width).CopyTo(features.AsSpan(id * width));
        }
        return sketch with { Features = features, Width = width };
    }
}
