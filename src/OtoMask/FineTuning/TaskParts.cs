using OtoMask.Data;
using OtoMask.Evaluation;

namespace OtoMask.FineTuning;

/// <summary>Positions, in the task, of the clips of one fine-tuning.</summary>
/// <param name="Train">Clips to learn from.</param>
/// <param name="Choose">Clips to choose the epoch by: a validation part, or the test clips where the mode says so.</param>
/// <param name="Test">Clips to score on.</param>
/// <param name="Note">What fell short of the rule, for the user; null when nothing did.</param>
internal sealed record TaskParts(int[] Train, int[] Choose, int[] Test, string? Note)
{
    /// <summary>Splits a task. Where it marks no validation clips, they are drawn as the linear probe of the same seed draws them.</summary>
    /// <exception cref="UserErrorException">The fold is missing or unknown, or a part lacks what it needs.</exception>
    public static TaskParts Of(LabelledTask task, FineTuningConfig config)
    {
        FoldClips clips = Split(task, config);
        Require(clips.Train.Length >= 2, task, $"{clips.Train.Length} clips to train on; give at least 2");
        Require(task.ClassesOf(clips.Train).Count >= 2, task, "clips of one class alone to train on; mark clips of others, too");
        Require(clips.Test.Length > 0, task, "no clip to test on; mark some");
        if (config.Mode == FineTuningMode.SelectOnTest)
        {
            Require(clips.Valid.Length == 0, task, "marks validation clips, by which the field chooses, too; leave `mode` strict");
            return new TaskParts(clips.Train, clips.Test, clips.Test, null);
        }
        if (clips.Valid.Length > 0)
            return new TaskParts(clips.Train, clips.Valid, clips.Test, null);
        var random = new ProbeRandom(config.Seed, config.Fold is { } fold ? task.Folds.ToList().IndexOf(fold) : 0);
        ValidationSplit split = ValidationSplit.Draw(task, clips.Train, strict: true, random.Split);
        Require(task.ClassesOf(split.Train).Count >= 2, task, "one class alone to train on once a validation part is split off; mark validation clips");
        return new TaskParts(split.Train, split.Valid, clips.Test, split.Note);
    }

    private static FoldClips Split(LabelledTask task, FineTuningConfig config)
    {
        int[] Clips(Func<LabelledClip, bool> belongs) => [.. Enumerable.Range(0, task.Clips.Count).Where(clip => belongs(task.Clips[clip]))];
        if (task.Folds.Count == 0)
        {
            if (config.Fold is not null)
                throw new UserErrorException($"{task.CsvPath} has no folds; leave `fold` away");
            return new FoldClips(Clips(clip => clip.Split == TaskSplit.Train), Clips(clip => clip.Split == TaskSplit.Valid), Clips(clip => clip.Split == TaskSplit.Test));
        }
        return config.Fold is { } fold && task.Folds.Contains(fold)
            ? new FoldClips(Clips(clip => clip.Fold != fold), [], Clips(clip => clip.Fold == fold))
            : throw new UserErrorException($"{task.CsvPath} has the folds {string.Join(", ", task.Folds)}: choose the one to test on with `fold`, one run each");
    }

    private static void Require(bool condition, LabelledTask task, string lacking)
    {
        if (!condition)
            throw new UserErrorException($"{task.CsvPath}: {lacking}");
    }
}
