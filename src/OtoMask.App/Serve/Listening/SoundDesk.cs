using System.Diagnostics;
using OtoMask.App.Reports;
using OtoMask.App.Serve.Watching;
using OtoMask.Audio;
using OtoMask.Masking;

namespace OtoMask.App.Serve.Listening;

/// <summary>What can be heard of a sound.</summary>
internal enum Heard
{
    /// <summary>All of it.</summary>
    Whole,

    /// <summary>All that its log-mel keeps of it.</summary>
    LogMel,

    /// <summary>What a mask leaves visible; the rest is silent.</summary>
    Visible,

    /// <summary>The same, with what a model predicts for the rest.</summary>
    Reconstruction,
}

/// <summary>A mask as a page draws it, or why there is none.</summary>
/// <param name="Bits">As <see cref="MaskGallery.Bits"/>.</param>
/// <param name="Masked">Patches masked.</param>
/// <param name="Milliseconds">What it took to draw it.</param>
/// <param name="Why">Why there is none.</param>
internal sealed record DrawnMask(string? Bits, int? Masked, double? Milliseconds, string? Why = null);

/// <summary>Answers what pages ask about sounds: their pictures, their masks, and what is heard of them. Thread-safe; one question is worked on at a time.</summary>
/// <param name="shelf">The sounds.</param>
/// <param name="book">The runs.</param>
internal sealed class SoundDesk(SoundShelf shelf, RunBook book) : IDisposable
{
    private const double UsualSeconds = 6.08;
    private const int MostViews = 3, MostPatchesOfSpectral = 400; // its cost grows with their cube
    private readonly Lock turn = new();
    private readonly List<(ViewQuestion Question, DateTime? Checkpoint, ViewedSound Sound)> views = [];
    private TrainedRun? trained;

    /// <summary>The picture of the part of a sound that is shown.</summary>
    /// <exception cref="UserErrorException">There is no such sound, part, patch or run.</exception>
    public object View(ViewQuestion question)
    {
        lock (turn)
        {
            HeldSound held = shelf.Find(question.Sound);
            (ViewedSound sound, TrainedRun? run) = Open(question);
            SpectrogramImage image = SpectrogramImage.Of(sound.LogMel.Values, sound.LogMel.Bands, sound.LogMel.Frames, sound.Grid, LevelRange.Of(sound.LogMel.Values));
            return new
            {
                held.Name,
                Whole = held.Seconds,
                Seconds = (double)sound.LogMel.Frames * sound.FrontEnd.HopSize / sound.FrontEnd.SampleRate,
                Hertz = GalleryPainter.BandHz(sound.FrontEnd),
                image.Bands,
                image.Frames,
                image.Rows,
                image.Columns,
                image.Levels,
                Patch = $"{sound.PatchHeight}x{sound.PatchWidth}",
                sound.PieceColumns,
                Reconstructs = run?.Autoencoder is not null,
            };
        }
    }

    /// <summary>The masks of all strategies, by name.</summary>
    /// <exception cref="UserErrorException">There is no such sound, part, patch or run, or a number is out of its range.</exception>
    public IReadOnlyDictionary<string, DrawnMask> Masks(ViewQuestion question, MaskQuestion mask)
    {
        (double ratio, double hint, ulong seed) = mask.Checked();
        lock (turn)
        {
            ViewedSound sound = Open(question).Sound;
            return KnownMaskings.All.ToDictionary(masking => masking.Name, masking => Draw(sound, masking, ratio, hint, seed));
        }
    }

    /// <summary>The picture of what a run's model makes of a masked sound, in the colours of the original.</summary>
    /// <exception cref="UserErrorException">The same, or there is no such strategy, or the run's model predicts no patches.</exception>
    public object Reconstruct(ViewQuestion question, string masking, MaskQuestion mask)
    {
        lock (turn)
        {
            (ViewedSound sound, TrainedRun? run) = Open(question);
            PatchMask drawn = MaskOf(sound, masking, mask);
            LogMel predicted = sound.Reconstruct(drawn, RequireRun(run));
            return SpectrogramImage.Of(predicted.Values, predicted.Bands, predicted.Frames, sound.Grid, LevelRange.Of(sound.LogMel.Values));
        }
    }

    /// <summary>What is heard, as a WAV file.</summary>
    /// <exception cref="UserErrorException">As for <see cref="Reconstruct"/>.</exception>
    public byte[] Hear(ViewQuestion question, Heard what, string? masking, MaskQuestion mask)
    {
        ViewedSound sound;
        PatchMask? drawn;
        LogMel? predicted;
        lock (turn)
        {
            (sound, TrainedRun? run) = Open(question);
            drawn = what is Heard.Visible or Heard.Reconstruction ? MaskOf(sound, masking ?? "", mask) : null;
            predicted = what == Heard.Reconstruction ? sound.Reconstruct(drawn!, RequireRun(run)) : null;
        }
        LogMelSynthesis synthesis = sound.Synthesis;
        float[] heard = what switch
        {
            Heard.Whole => sound.Samples,
            Heard.LogMel => synthesis.Whole(sound.LogMel, sound.Samples),
            Heard.Visible => synthesis.Part(sound.Samples, sound.Heard(drawn!)),
            _ => synthesis.Whole(predicted!, synthesis.Part(sound.Samples, sound.Heard(drawn!))),
        };
        return WavBytes.Of(heard, sound.FrontEnd.SampleRate);
    }

    /// <inheritdoc/>
    public void Dispose() => trained?.Dispose();

    private static DrawnMask Draw(ViewedSound sound, MaskingInfo masking, double ratio, double hint, ulong seed)
    {
        if (masking.Name == "sgim-spectral" && sound.PatchesOfPiece > MostPatchesOfSpectral)
            return new DrawnMask(null, null, null, $"takes seconds on more than {MostPatchesOfSpectral} patches; choose a larger patch");
        long begin = Stopwatch.GetTimestamp();
        try
        {
            PatchMask mask = sound.Draw(masking, ratio, hint, seed);
            return new DrawnMask(MaskGallery.Bits(mask, sound.Grid), mask.Masked.Length, Math.Round(Stopwatch.GetElapsedTime(begin).TotalMilliseconds, 2));
        }
        catch (UserErrorException error)
        {
            return new DrawnMask(null, null, null, OneLine.Of(error.Message));
        }
    }

    private static PatchMask MaskOf(ViewedSound sound, string masking, MaskQuestion mask)
    {
        (double ratio, double hint, ulong seed) = mask.Checked();
        return sound.Draw(KnownMaskings.Find(masking), ratio, hint, seed);
    }

    private static TrainedRun RequireRun(TrainedRun? run) => run ?? throw new UserErrorException("choose a pre-training of MSM-MAE, which says what hidden patches look like");

    /// <summary>The part shown, as it was cut for the question before where that was the same.</summary>
    private (ViewedSound Sound, TrainedRun? Run) Open(ViewQuestion question)
    {
        TrainedRun? run = string.IsNullOrEmpty(question.Run) ? null : Trained(question.Run);
        HeldSound held = shelf.Find(question.Sound);
        int known = views.FindIndex(view => view.Question == question && view.Checkpoint == run?.Written);
        if (known >= 0)
            return (views[known].Sound, run);
        double seconds = run is null ? UsualSeconds : Math.Clamp(run.Encoder.Input.Seconds, UsualSeconds, SoundShelf.MostSeconds);
        var sound = ViewedSound.Of(held, question.From ?? 0, seconds, question.PatchSize, run);
        views.Add((question, run?.Written, sound));
        if (views.Count > MostViews)
            views.RemoveAt(0);
        return (sound, run);
    }

    private TrainedRun Trained(string id)
    {
        if (trained is not null && trained.Id == id && trained.IsCurrent(book))
            return trained;
        trained?.Dispose();
        trained = null;
        return trained = TrainedRun.Load(book, id);
    }
}
