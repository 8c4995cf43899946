using OtoMask.Data;

namespace OtoMask.Pretraining;

/// <summary>Sources of clips on their way to a <see cref="TrainingSetup"/>, or with it to a <see cref="PretrainingRun"/>: closed where there comes to be none.</summary>
/// <param name="given">A source that the caller had opened, or null.</param>
internal sealed class OpenedSources(ClipSource? given) : IDisposable
{
    private readonly List<ClipSource> sources = given is null ? [] : [given];

    /// <summary>One more.</summary>
    public ClipSource Add(ClipSource source)
    {
        sources.Add(source);
        return source;
    }

    /// <summary>They are the new owner's from now on.</summary>
    public T For<T>(T owner)
    {
        sources.Clear();
        return owner;
    }

    /// <inheritdoc/>
    public void Dispose() => sources.ForEach(source => source.Dispose());
}
