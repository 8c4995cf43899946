using OtoMask.Randomness;

namespace OtoMask.Corpora;

/// <summary>Draws a test set out of whole groups, so that each label has nearly the same share of its clips in it.</summary>
internal static class GroupedSplit
{
    /// <summary>Which clips are tested on.</summary>
    /// <param name="clips">Label and group of each clip.</param>
    /// <param name="testShare">Share wanted of every label's clips, in (0, 1).</param>
    /// <param name="seed">The same seed gives the same split.</param>
    /// <returns>For each clip whether it is in the test set. A label with a single group stays on one side.</returns>
    public static bool[] Draw(IReadOnlyList<(string Label, string Group)> clips, double testShare, ulong seed)
    {
        Dictionary<string, double> wanted = clips.GroupBy(clip => clip.Label).ToDictionary(label => label.Key, label => testShare * label.Count());
        IGrouping<string, (string Label, string Group)>[] groups = [.. clips.GroupBy(clip => clip.Group).OrderBy(group => group.Key, StringComparer.Ordinal)];
        new RandomStream(seed, RandomPurpose.Split).Shuffle<IGrouping<string, (string Label, string Group)>>(groups);

        // A group joins the test set when that brings the labels' counts, taken together, nearer to what is wanted.
        HashSet<string> test = [];
        foreach (IGrouping<string, (string Label, string Group)> group in groups)
        {
            Dictionary<string, int> added = group.CountBy(clip => clip.Label).ToDictionary();
            double change = added.Sum(label => Math.Abs(wanted[label.Key] - label.Value) - Math.Abs(wanted[label.Key]));
            if (change >= 0)
                continue;
            test.Add(group.Key);
            foreach ((string label, int count) in added)
                wanted[label] -= count;
        }
        return [.. clips.Select(clip => test.Contains(clip.Group))];
    }
}
