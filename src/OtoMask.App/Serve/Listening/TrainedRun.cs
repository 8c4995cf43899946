using OtoMask.App.Serve.Watching;
using OtoMask.Evaluation;
using OtoMask.Models;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.App.Serve.Listening;

/// <summary>A run's model as of its last checkpoint.</summary>
internal sealed class TrainedRun : IDisposable
{
    private readonly MaskedModel? model;

    private TrainedRun(string id, string file, DateTime written, EncoderSnapshot encoder, MaskedModel? model) =>
        (Id, File, Written, Encoder, this.model) = (id, file, written, encoder, model);

    /// <summary>The run.</summary>
    public string Id { get; }

    /// <summary>The checkpoint.</summary>
    public string File { get; }

    /// <summary>When it was written.</summary>
    public DateTime Written { get; }

    /// <summary>Its encoder.</summary>
    public EncoderSnapshot Encoder { get; }

    /// <summary>The whole model, if it is one that predicts what patches look like.</summary>
    public MaskedAutoencoder? Autoencoder => model as MaskedAutoencoder;

    /// <summary>Loads the last checkpoint of a run below the folder that is served.</summary>
    /// <exception cref="UserErrorException">There is no such run, it has no checkpoint yet, or it is damaged.</exception>
    public static TrainedRun Load(RunBook book, string id)
    {
        (string path, string file, DateTime written) = CheckpointOf(book, id);
        var saved = SavedModel.Open(path);
        if (saved.Framework is null || saved.Decoder is null)
            return new TrainedRun(id, file, written, saved.LoadEncoder(Device.Cpu), null);
        MaskedModel model = saved.LoadModel(Device.Cpu);
        return new TrainedRun(id, file, written, new EncoderSnapshot(model.Frozen, saved.Normalisation, saved.LogMel), model);
    }

    /// <summary>Whether the run has no newer checkpoint.</summary>
    public bool IsCurrent(RunBook book) => CheckpointOf(book, Id) is var (_, file, written) && (file, written) == (File, Written);

    /// <inheritdoc/>
    public void Dispose()
    {
        Encoder.Dispose();
        model?.Dispose();
    }

    private static (string Path, string File, DateTime Written) CheckpointOf(RunBook book, string id)
    {
        WatchedRun run = book.Run(id);
        string file = System.IO.File.Exists(run.Folder.BestCheckpoint) ? run.Folder.BestCheckpoint
            : run.Folder.Checkpoints is [.., string latest] ? latest
            : throw new UserErrorException($"{id} has no checkpoint yet; wait for its first, or choose another run");
        return book.Holds(file) && book.Holds(run.Folder.Config) // links could lead anywhere
            ? (run.Path, file, System.IO.File.GetLastWriteTimeUtc(file))
            : throw new UserErrorException($"{id}: its checkpoint is a link, and links are not followed here");
    }
}
