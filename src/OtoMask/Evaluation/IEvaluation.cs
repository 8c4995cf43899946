namespace OtoMask.Evaluation;

/// <summary>Something that yields named numbers about an encoder, for example every few epochs of its training.</summary>
public interface IEvaluation
{
    /// <summary>Judges the encoder as it stands.</summary>
    IEnumerable<(string Metric, double Value)> Run(EncoderSnapshot encoder);
}
