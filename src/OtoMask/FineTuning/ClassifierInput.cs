using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Geometry;

namespace OtoMask.FineTuning;

/// <summary>What a fine-tuned model takes: clips of one length as log-mels, normalised, padded to whole patches.</summary>
internal sealed record ClassifierInput
{
    private const int LongestSeconds = 3600;

    /// <summary>Describes an input.</summary>
    /// <param name="model">The encoder's own input; this one may be longer or shorter.</param>
    /// <param name="logMel">The front end.</param>
    /// <param name="statistics">Mean and deviation that log-mels are normalised with.</param>
    /// <param name="unitSamples">Unit length in samples at the front end's rate.</param>
    /// <exception cref="UserErrorException">The unit is no length.</exception>
    public ClassifierInput(InputGeometry model, LogMelSettings logMel, NormalisationStatistics statistics, int unitSamples)
    {
        if (unitSamples < 1 || logMel.HopSize < 1 || unitSamples > (long)LongestSeconds * logMel.SampleRate)
            throw new UserErrorException($"a unit length of {unitSamples} samples is impossible");
        (LogMel, Statistics, UnitSamples) = (logMel, statistics, unitSamples);
        Frames = unitSamples / logMel.HopSize + 1;
        int columns = (Frames + model.PatchWidth - 1) / model.PatchWidth;
        Geometry = new InputGeometry(model.Bands, columns * model.PatchWidth, model.PatchHeight, model.PatchWidth);
    }

    /// <summary>The front end.</summary>
    public LogMelSettings LogMel { get; }

    /// <summary>Mean and deviation that log-mels are normalised with.</summary>
    public NormalisationStatistics Statistics { get; }

    /// <summary>Unit length in samples.</summary>
    public int UnitSamples { get; }

    /// <summary>T, frames of a clip.</summary>
    public int Frames { get; }

    /// <summary>The clip padded to whole patches.</summary>
    public InputGeometry Geometry { get; }

    /// <summary>The input of a task for an encoder.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="seconds">Unit length; null = what fills the encoder's input.</param>
    public static ClassifierInput Of(EncoderSnapshot encoder, double? seconds) => new(
        encoder.Input, encoder.LogMel, encoder.Statistics, TaskClips.UnitOf(encoder, seconds));

    /// <summary>Pads a normalised log-mel [F, T] with zeros and cuts it in patches [L, ph*pw].</summary>
    internal void Cut(ReadOnlySpan<float> logMel, Span<float> patches)
    {
        var padded = new float[Geometry.InputSize];
        for (int band = 0; band < Geometry.Bands; band++)
            logMel.Slice(band * Frames, Frames).CopyTo(padded.AsSpan(band * Geometry.Frames));
        PatchCutter.Cut(padded, Geometry.Bands, Geometry.Frames, Geometry.PatchHeight, Geometry.PatchWidth, patches);
    }
}
