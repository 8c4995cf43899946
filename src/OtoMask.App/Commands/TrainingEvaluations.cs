using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Pretraining;

namespace OtoMask.App.Commands;

/// <summary>What is measured every few epochs of a run: RankMe and CEV-AUC, and k-NN where a task is named.</summary>
internal static class TrainingEvaluations
{
    /// <param name="setup">The run; its data gives the clips on which the health of the representation is measured.</param>
    /// <param name="task">The labelled task, or null.</param>
    public static IReadOnlyList<IEvaluation> Of(TrainingSetup setup, LabelledTask? task)
    {
        PretrainingConfig config = setup.Config;
        if (config.EvaluateEvery == 0)
            return [];
        HealthEvaluation health = HealthEvaluation.OnCropsOf(setup.Source, config.Geometry, config.Seed, config.ShortClips, setup.BadFiles);
        return task is null ? [health] : [health, new KnnEvaluation(task)];
    }
}
