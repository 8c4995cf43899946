using OtoMask.Data;
using OtoMask.Randomness;

namespace OtoMask.Evaluation;

/// <summary>A validation part split off the training clips.</summary>
/// <param name="Train">What is left to fit on.</param>
/// <param name="Valid">What to choose by.</param>
/// <param name="Note">What fell short of the rule, for the user; null when nothing did.</param>
internal sealed record ValidationSplit(int[] Train, int[] Valid, string? Note)
{
    private const int MostDraws = 100;

    /// <summary>
    /// Splits a random tenth (rounded up) off, redrawn up to 100 times until every class of the training clips is in it
    /// (docs/evaluation.md section 1.4); failing that, the last draw stands and is noted.
    /// </summary>
    /// <param name="task">The clips.</param>
    /// <param name="train">Positions of the clips to split.</param>
    /// <param name="strict">Keep groups whole, and want every class on both sides.</param>
    /// <param name="random">Draws the part.</param>
    public static ValidationSplit Draw(LabelledTask task, int[] train, bool strict, RandomStream random)
    {
        int[][] units = strict ? Groups(task, train) : [.. train.Select(clip => new[] { clip })];
        string? note = null;
        if (units.Length == 1)
        {
            note = $"all training clips are of one group, {task.Clips[train[0]].Group}: it is split between training and validation";
            units = [.. train.Select(clip => new[] { clip })];
        }

        HashSet<int> classes = task.ClassesOf(train);
        for (int draw = 1; ; draw++)
        {
            random.Shuffle<int[]>(units);
            int taken = UnitsHolding((train.Length + 9) / 10, units);
            int[] valid = [.. units[..taken].SelectMany(unit => unit).Order()], rest = [.. units[taken..].SelectMany(unit => unit).Order()];
            int missing = classes.Count - task.ClassesOf(valid).Count, untrained = strict ? classes.Count - task.ClassesOf(rest).Count : 0;
            if (missing == 0 && untrained == 0)
                return new ValidationSplit(rest, valid, note);
            if (draw == MostDraws)
                return new ValidationSplit(rest, valid, Join(note, Shortfall(missing, untrained, classes.Count)));
        }
    }

    private static int[][] Groups(LabelledTask task, int[] train) =>
    [
        .. train.GroupBy(clip => task.Clips[clip].Group is { } name ? (name, -1) : ("", clip)) // a clip without a group is its own
            .Select(group => group.ToArray()),
    ];

    // At least one unit stays behind to fit on.
    private static int UnitsHolding(int clips, int[][] units)
    {
        int taken = 0;
        for (int held = 0; held < clips && taken < units.Length - 1; taken++)
            held += units[taken].Length;
        return taken;
    }

    private static string Shortfall(int missing, int untrained, int classes) => untrained == 0
        ? $"after {MostDraws} draws, {missing} of {classes} classes are not in the validation part"
        : $"after {MostDraws} draws, {missing} of {classes} classes are not in the validation part and {untrained} not in the training part";

    private static string Join(string? first, string second) => first is null ? second : $"{first}; {second}";
}
