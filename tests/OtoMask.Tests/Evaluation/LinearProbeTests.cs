using OtoMask.Evaluation;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public class LinearProbeTests
{
    public static TheoryData<ProbeMode> Modes => [.. Enum.GetValues<ProbeMode>()];

    [Theory, MemberData(nameof(Modes))]
    public void FindsClassesThatLieApart(ProbeMode mode)
    {
        using SyntheticTask task = SyntheticTask.Balanced(clips: 400, classes: 4);
        Assert.Equal(100, LinearProbe.Run(task.Embed(width: 512, distance: 1), mode, [42]).Score.Value);
    }

    [Theory, MemberData(nameof(Modes))]
    public void StaysAtChanceOnNoise(ProbeMode mode)
    {
        using SyntheticTask task = SyntheticTask.Balanced(clips: 800, classes: 4);
        Assert.InRange(LinearProbe.Run(task.Embed(width: 16, distance: 0), mode, [42]).Score.Value, 15, 35);
    }

    [Theory, MemberData(nameof(Modes))]
    public void TakesTwoClassesAsTwoColumns(ProbeMode mode)
    {
        using SyntheticTask task = SyntheticTask.Balanced(clips: 200, classes: 2);
        ProbeResult result = LinearProbe.Run(task.Embed(width: 512, distance: 1), mode, [42]);
        Assert.Equal(2 * result.TestClips.Count, result.Runs[0].Logits.Length);
        Assert.Equal(100, result.Score.Value);
    }

    [Theory, MemberData(nameof(Modes))]
    public void RepeatsItselfForASeed(ProbeMode mode)
    {
        using SyntheticTask task = SyntheticTask.Balanced(clips: 200, classes: 5);
        EmbeddedTask embedded = task.Embed(width: 12, distance: 0.4);
        ProbeResult first = LinearProbe.Run(embedded, mode, [42, 43]), second = LinearProbe.Run(embedded, mode, [42, 43]);
        Assert.Equal(first.Runs.Select(run => run.Logits), second.Runs.Select(run => run.Logits));
        if (mode != ProbeMode.Tuned) // where seeds that choose the same L2 weight fit the same layer
            Assert.NotEqual(first.Runs[0].Logits, first.Runs[1].Logits);
    }

    [Fact]
    public void KeepsGroupsWholeUnlessToTheLetter()
    {
        // 12 clips of 3 groups in training: a tenth is two clips, whole groups make it four.
        using var task = new SyntheticTask(
            Enumerable.Range(0, 24).Select(i => $"{i}.wav,class{i % 2},{(i < 12 ? "train" : "test")},speaker{i / 4}"), "file_name,label,split,group");
        EmbeddedTask embedded = task.Embed(width: 4, distance: 3);
        Assert.Equal((8, 4), Parts(LinearProbe.Run(embedded, ProbeMode.Strict, [1])));
        Assert.Equal((10, 2), Parts(LinearProbe.Run(embedded, ProbeMode.Evar, [1])));

        static (int, int) Parts(ProbeResult result) => (result.Counts.Train, result.Counts.Valid);
    }

    [Theory, MemberData(nameof(Modes))]
    public void NotesClassesItCannotKnow(ProbeMode mode)
    {
        // `b` has one clip to train on, `c` and `d` have none.
        using var task = new SyntheticTask([.. Enumerable.Range(0, 30).Select(i => $"{i}.wav,{(i == 3 ? "b" : i % 2 == 0 ? "a" : "e")},train"), .. "abcde".Select(label => $"{label}.wav,{label},test")]);
        ProbeResult result = LinearProbe.Run(task.Embed(width: 64, distance: 2), mode, [42]);
        Assert.Contains("2 of 5 classes to test on have no clip to train on: their test clips can be told by chance alone", result.Notes);
    }

    [Fact]
    public void TestsEveryClipOnceOverTheFolds()
    {
        using var task = new SyntheticTask(Enumerable.Range(0, 90).Select(i => $"{i}.wav,class{i % 3},train,{i / 3 % 3 + 1}"), "file_name,label,split,fold");
        ProbeResult result = LinearProbe.Run(task.Embed(width: 8, distance: 2), ProbeMode.Tuned, [42]);
        Assert.Equal(Enumerable.Range(0, 90), result.TestClips.Order());
        Assert.Equal(3, result.Runs[0].Settings.Count);
        Assert.Equal(100, result.Score.Value);
    }

    [Theory, MemberData(nameof(Modes))]
    public void LearnsSeveralLabelsAtOnce(ProbeMode mode)
    {
        string[] labels = ["a", "b", "c", "a;b", "b;c"];
        using var task = new SyntheticTask(Enumerable.Range(0, 400).Select(i => $"{i}.wav,{labels[i % 5]},{(i < 300 ? "train" : "test")}"));
        ProbeResult result = LinearProbe.Run(task.Embed(width: 512, distance: 1), mode, [42]);
        Assert.Equal("mAP", result.Metric);
        Assert.InRange(result.Score.Value, 97, 100.001);
    }

    [Fact]
    public void RegularisesWhenDimensionsOutnumberClips()
    {
        using SyntheticTask task = SyntheticTask.Balanced(clips: 160, classes: 4);
        EmbeddedTask embedded = task.Embed(width: 300, distance: 0.25);
        ProbeResult tuned = LinearProbe.Run(embedded, ProbeMode.Tuned, [42, 43, 44]);
        Assert.All(tuned.Runs, run => Assert.InRange(run.Settings[0], 1e-4, 10));
        Assert.True(tuned.Score.Value > 60, $"{tuned.Score.Value} %");
    }
}
