using System.Security.Cryptography;
using System.Text;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Randomness;
using OtoMask.Weights;

namespace OtoMask.Studies.Masks;

/// <summary>Draws the masks of every arm on crops of the pool and on a clip of each family, and counts where they fall.</summary>
/// <remarks>A strategy that reads the encoder is shown with the newest checkpoint of one of its runs, at every hint ratio of its schedule; without one it is left out.</remarks>
internal sealed class MaskSurvey
{
    private const int Crops = 400, CropDraw = 2, ClipsLookedAt = 40, Epochs = 1000;
    private static readonly double[] Progress = [0, 0.2, 0.4, 0.6, 0.8, 1];

    private readonly StudyPlan plan;
    private readonly StudyFolder folder;
    private readonly PretrainingConfig common;
    private readonly InputGeometry input;
    private readonly List<string> leftOut = [];

    private MaskSurvey(StudyPlan plan, StudyFolder folder)
    {
        (this.plan, this.folder, common) = (plan, folder, plan.CellsToCost[0].Config);
        input = common.Geometry;
    }

    /// <summary>What the folder holds already, if it was computed from the same; else computed anew and written there.</summary>
    /// <exception cref="UserErrorException">The pool or a task cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the folder stays as it was.</exception>
    public static StudyMasks Of(StudyPlan plan, StudyFolder folder, CancellationToken cancellation)
    {
        var survey = new MaskSurvey(plan, folder);
        string key = survey.Key();
        if (StudyMasks.Read(folder) is { } known && known.Key == key)
            return known;
        StudyMasks masks = survey.Run(key, cancellation);
        masks.Write(folder);
        return masks;
    }

    private string Key()
    {
        IEnumerable<string> parts = plan.CellsToCost.SelectMany(cell => (string[])[cell.Arm, cell.Fingerprint("", "", ""), CheckpointOf(cell) is { } path ? Path.GetRelativePath(folder.Path, path) : ""]);
        string text = string.Join('\n', parts.Concat(plan.Tasks.Select(task => task.Hash)).Append($"{Crops}"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }

    private StudyMasks Run(string key, CancellationToken cancellation)
    {
        (MaskedClip Shown, LogMel LogMel)[] shown = [.. plan.Tasks.GroupBy(task => task.Family).Select(family => MostVaried(family.First()))];
        SurveyedClips pool = new(ReadCrops(), input), clips = new([.. shown.Select(clip => clip.LogMel)], input);
        List<ArmMasks> arms = [];
        foreach (StudyCell cell in plan.CellsToCost)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Survey(cell, pool, clips) is { } masks)
                arms.Add(masks);
        }
        return new StudyMasks(key, pool.Count, common.Input, common.Patch, common.SampleRate, Progress, [.. shown.Select(clip => clip.Shown)], arms, leftOut);
    }

    /// <summary>What one arm does; null, and a line why, where that cannot be known.</summary>
    private ArmMasks? Survey(StudyCell cell, SurveyedClips pool, SurveyedClips clips)
    {
        PretrainingConfig config = cell.Config;
        MaskingInfo masking = config.Masking;
        string? checkpoint = CheckpointOf(cell);
        if (config.Geometry != input || config.LogMel != common.LogMel)
        {
            leftOut.Add($"{cell.Framework}, {cell.Arm}: it has another input or other patches than the first arm");
            return null;
        }
        if (ReadsEncoder(masking) && checkpoint is null)
        {
            leftOut.Add($"{cell.Framework}, {cell.Arm}: it reads {masking.DependsOn}, and no run of it has left a checkpoint here");
            return null;
        }
        using EncoderSnapshot? encoder = ReadsEncoder(masking) ? SavedModel.Open(checkpoint!).LoadEncoder(Devices.Find(config.Device)) : null;
        double[] hints = [.. Progress.Select(done => masking.Heeded(config.Hint.At((int)Math.Round(done * (Epochs - 1)), Epochs)))];

        PatchMask[][] Draw(SurveyedClips some)
        {
            Func<int, MaskingContext, PatchMask> sample = some.SamplerOf(masking, encoder);
            return [.. hints.Index().Select(hint => Enumerable.Range(0, some.Count).AsParallel().AsOrdered().Select(clip => sample(clip, new MaskingContext(
                config.ResolvedMaskRatio, hint.Item,
                new RandomStream(config.Seed, RandomPurpose.Mask, hint.Index, clip), new RandomStream(config.Seed, RandomPurpose.BatchMask, hint.Index, clip)))).ToArray())];
        }
        PatchMask[][] ofPool = Draw(pool), ofClips = Draw(clips);
        return new ArmMasks(
            cell.Framework, cell.Arm, config.Mask, config.ResolvedMaskRatio, [.. hints.Select(hint => Math.Round(hint, 4))],
            [.. ofPool.Select(masks => MaskedShare(masks, input.Grid.Count, (_, id) => id))],
            [.. ofPool.Select(masks => MaskedShare(masks, SurveyedClips.Tenths, pool.TenthOf))],
            [.. Enumerable.Range(0, clips.Count).Select(clip => ofClips.Select(masks => masks[clip].Masked).ToArray())]);
    }

    /// <summary>The share of patches that are masked, for each of some places that patches can be in.</summary>
    private static double[] MaskedShare(PatchMask[] masks, int places, Func<int, int, int> placeOf)
    {
        double[] masked = new double[places], all = new double[places];
        foreach ((int clip, PatchMask mask) in masks.Index())
        {
            foreach (int id in mask.Masked)
            {
                masked[placeOf(clip, id)]++;
                all[placeOf(clip, id)]++;
            }
            foreach (int id in mask.Visible)
                all[placeOf(clip, id)]++;
        }
        return [.. masked.Zip(all, (some, of) => of == 0 ? 0 : Math.Round(some / of, 4))];
    }

    private static bool ReadsEncoder(MaskingInfo masking) => masking.CreateFeatureStrategy() is not null;

    /// <summary>The newest checkpoint of the first seed that has one.</summary>
    private string? CheckpointOf(StudyCell cell) => plan.Config.Seeds
        .Select(seed => folder.RunOf(cell with { Config = cell.Config with { Seed = seed } }).Checkpoints.LastOrDefault())
        .FirstOrDefault(checkpoint => checkpoint is not null);

    private IReadOnlyList<LogMel> ReadCrops()
    {
        using ClipSource source = ClipSource.Open(LogMelCache.IsCache(folder.Cache) ? folder.Cache : plan.Data, new ClipSourceOptions(common.LogMel));
        var badFiles = new BadFiles();
        IReadOnlyList<LogMel> crops = SpreadCrops.Read(source, input, common.Seed, CropDraw, Crops, common.ShortClips, badFiles);
        return crops.Count > 0 ? crops : throw new UserErrorException($"none of {Crops} clips spread over {plan.Data} can be read; check the files");
    }

    /// <summary>The most varied of a task's first test clips, so that there is something to mask; with folds every clip is a test clip once.</summary>
    private (MaskedClip Shown, LogMel LogMel) MostVaried(StudyTask task)
    {
        var clips = new TaskClips(task.Task, common.LogMel, TaskClips.UnitOf(input, common.LogMel));
        (LabelledClip Clip, LogMel LogMel)[] readable =
        [
            .. from clip in task.Task.Clips.Index().Where(clip => clip.Item.Split == TaskSplit.Test || clip.Item.Fold is not null).Take(ClipsLookedAt)
               let logMel = clips.Read(clip.Index, ClipView.FromStart)
               where logMel is not null
               select (clip.Item, logMel),
        ];
        if (readable.Length == 0)
            throw new UserErrorException($"{task.Task.CsvPath}: none of its test clips can be read");
        (LabelledClip shown, LogMel ofShown) = readable.MaxBy(clip => SurveyedClips.MeanDispersion(clip.LogMel, input));
        string labels = string.Join(", ", shown.Labels.Select(label => task.Task.Classes[label]));
        return (new MaskedClip(task.Name, task.Family, shown.Name, labels, [.. ofShown.Values.Select(value => MathF.Round(value, 2))]), ofShown);
    }
}
