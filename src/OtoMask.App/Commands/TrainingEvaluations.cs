using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Pretraining;
using OtoMask.Randomness;

namespace OtoMask.App.Commands;

/// <summary>What is measured every few epochs of a run: RankMe and CEV-AUC, and k-NN where a task is named.</summary>
internal static class TrainingEvaluations
{
    private const int HealthClips = 32;
    private const int CropEpoch = 1; // the normalisation statistics draw their crops in epoch 0

    /// <param name="setup">The run; its data gives the clips on which the health of the representation is measured.</param>
    /// <param name="task">The labelled task, or null.</param>
    public static IReadOnlyList<IEvaluation> Of(TrainingSetup setup, LabelledTask? task)
    {
        if (setup.Config.EvaluateEvery == 0)
            return [];
        var health = new HealthEvaluation(FixedCrops(setup));
        return task is null ? [health] : [health, new KnnEvaluation(task)];
    }

    /// <summary>Crops of the model's input size, evenly spread over the data; the same in every run of one seed, resumed or not.</summary>
    private static List<LogMel> FixedCrops(TrainingSetup setup)
    {
        List<LogMel> crops = [];
        (int clips, InputGeometry input) = (setup.Source.Clips.Count, setup.Config.Geometry);
        for (int i = 0; i < HealthClips; i++)
        {
            var window = new float[input.InputSize];
            int clip = (int)((long)i * clips / HealthClips);
            try
            {
                setup.Source.ReadCrop(clip, new RandomStream(setup.Config.Seed, RandomPurpose.Statistics, CropEpoch, i), input.Frames, setup.Config.ShortClips, window);
                crops.Add(new LogMel(input.Bands, input.Frames, window));
            }
            catch (BadClipException bad)
            {
                setup.BadFiles.Add(bad.Path, bad.Reason);
            }
        }
        return crops.Count > 0
            ? crops
            : throw new UserErrorException($"none of {HealthClips} clips spread over {setup.Config.Data} can be read; check the files, or evaluate never with --evaluate-every 0");
    }
}
