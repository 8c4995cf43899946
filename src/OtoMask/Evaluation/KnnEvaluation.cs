using OtoMask.Data;

namespace OtoMask.Evaluation;

/// <summary>k-nearest-neighbour score of a labelled task, in %: metric <c>knn/TASK</c>.</summary>
/// <param name="task">The task; clips are cut or padded to the model's input.</param>
internal sealed class KnnEvaluation(LabelledTask task) : IEvaluation
{
    private TaskClips? clips; // log-mels stay in memory between epochs

    /// <inheritdoc/>
    /// <exception cref="UserErrorException">Too few clips of the task can be read.</exception>
    public IEnumerable<(string Metric, double Value)> Run(EncoderSnapshot encoder)
    {
        int unit = TaskClips.UnitOf(encoder);
        if (clips is null || clips.LogMel != encoder.LogMel || clips.UnitSamples != unit)
            clips = new TaskClips(task, encoder.LogMel, unit);
        EmbeddedTask embedded = EmbeddedTask.Embed(clips, new EncoderEmbedding(encoder, "encoder"));
        yield return ($"knn/{task.Name}", NearestNeighbours.Score(embedded));
    }
}
