using FsCheck;
using FsCheck.Fluent;
using OtoMask.Corpora;
using OtoMask.Randomness;
using OtoMask.Tests.Data;

namespace OtoMask.Tests.Corpora;

public class GroupedSplitTests
{
    [Fact]
    public void NoGroupIsOnBothSidesAndTheSameSeedGivesTheSameSplit()
    {
        Gen<(ulong Seed, int Clips, int Groups, int Labels)> cases =
            from seed in Gen.Choose(0, 1000)
            from clips in Gen.Choose(1, 200)
            from groups in Gen.Choose(1, 60)
            from labels in Gen.Choose(1, 8)
            select ((ulong)seed, clips, groups, labels);
        Prop.ForAll(cases.ToArbitrary(), item =>
        {
            (string Label, string Group)[] clips = RandomClips(item.Seed, item.Clips, item.Groups, item.Labels);
            bool[] isTest = GroupedSplit.Draw(clips, 0.3, item.Seed);
            bool whole = clips.Zip(isTest).GroupBy(pair => pair.First.Group).All(group => group.Select(pair => pair.Second).Distinct().Count() == 1);
            // Every group taken brings the labels nearer to what is wanted, so together they end no further above it than they began
            // below: at most twice the share.
            return whole && isTest.SequenceEqual(GroupedSplit.Draw(clips, 0.3, item.Seed)) && isTest.Count(test => test) <= 2 * 0.3 * clips.Length;
        }).QuickCheckThrowOnFailureIn(cases: 300);
    }

    [Fact]
    public void EveryLabelHasNearlyItsShareWhenGroupsAreSmall()
    {
        (string Label, string Group)[] clips = RandomClips(seed: 3, count: 2000, groups: 500, labels: 5);
        bool[] isTest = GroupedSplit.Draw(clips, 0.3, seed: 0);
        foreach (IGrouping<string, (string, bool Test)> label in clips.Zip(isTest, (clip, test) => (clip.Label, test)).GroupBy(pair => pair.Label))
            Assert.InRange(label.Count(pair => pair.Test) / (double)label.Count(), 0.27, 0.33);
    }

    [Fact]
    public void TheOrderOfClipsDoesNotMatter()
    {
        (string Label, string Group)[] clips = RandomClips(seed: 5, count: 300, groups: 80, labels: 4);
        HashSet<string> forwards = TestGroups(clips), backwards = TestGroups([.. clips.Reverse()]);
        Assert.True(forwards.SetEquals(backwards));

        static HashSet<string> TestGroups((string Label, string Group)[] clips) =>
            [.. clips.Zip(GroupedSplit.Draw(clips, 0.3, seed: 1)).Where(pair => pair.Second).Select(pair => pair.First.Group)];
    }

    private static (string Label, string Group)[] RandomClips(ulong seed, int count, int groups, int labels)
    {
        var random = new RandomStream(seed, RandomPurpose.Shuffle);
        var clips = new (string, string)[count];
        for (int i = 0; i < count; i++)
            clips[i] = ($"label{random.NextInt32(labels)}", $"group{random.NextInt32(groups)}");
        return clips;
    }
}
