using OtoMask.Evaluation;
using OtoMask.Randomness;

namespace OtoMask.Tests.Evaluation;

public class ValidationSplitTests
{
    [Theory]
    [InlineData(100, 10), InlineData(101, 11), InlineData(30, 3)]
    public void TakesATenthRoundedUpWithEveryClass(int clips, int expected)
    {
        using var task = new SyntheticTask(Enumerable.Range(0, clips).Select(i => $"{i}.wav,class{i % 2},train").Append("t.wav,class0,test"));
        ValidationSplit split = ValidationSplit.Draw(task.Task, [.. Enumerable.Range(0, clips)], strict: false, Stream(5));
        Assert.Equal(expected, split.Valid.Length);
        Assert.Equal(Enumerable.Range(0, clips), split.Train.Concat(split.Valid).Order());
        Assert.Equal(2, split.Valid.Select(clip => clip % 2).Distinct().Count());
        Assert.Null(split.Note);
    }

    [Fact]
    public void GoesOnWithTheLastDrawAndSaysSo()
    {
        // Ten classes cannot all be among two clips.
        using var task = new SyntheticTask(Enumerable.Range(0, 20).Select(i => $"{i}.wav,class{i % 10},train").Append("t.wav,class0,test"));
        ValidationSplit split = ValidationSplit.Draw(task.Task, [.. Enumerable.Range(0, 20)], strict: false, Stream(5));
        Assert.Equal(2, split.Valid.Length);
        Assert.Contains("after 100 draws, ", split.Note);
        Assert.Contains(" of 10 classes are not in the validation part", split.Note);
    }

    [Fact]
    public void ClassOfOneGroupIsMissingOnOneSideAndNoted()
    {
        // Each class is one kit: wherever a kit goes, its class is missing on the other side.
        using var task = new SyntheticTask(Enumerable.Range(0, 40).Select(i => $"{i}.wav,class{i / 10},train,kit{i / 10}").Append("t.wav,class0,test,kit9"), "file_name,label,split,group");
        ValidationSplit split = ValidationSplit.Draw(task.Task, [.. Enumerable.Range(0, 40)], strict: true, Stream(5));
        Assert.Equal((30, 10), (split.Train.Length, split.Valid.Length));
        Assert.Single(split.Valid.Select(clip => clip / 10).Distinct());
        Assert.Equal("after 100 draws, 3 of 4 classes are not in the validation part and 1 not in the training part", split.Note);
    }

    [Fact]
    public void OneGroupAloneIsSplitAndNoted()
    {
        using var task = new SyntheticTask(Enumerable.Range(0, 40).Select(i => $"{i}.wav,class{i % 2},train,amy").Append("t.wav,class0,test,ben"), "file_name,label,split,group");
        ValidationSplit split = ValidationSplit.Draw(task.Task, [.. Enumerable.Range(0, 40)], strict: true, Stream(5));
        Assert.Equal((36, 4), (split.Train.Length, split.Valid.Length));
        Assert.Contains("all training clips are of one group, amy", split.Note);
    }

    private static RandomStream Stream(ulong seed) => new(seed, RandomPurpose.Probe);
}
