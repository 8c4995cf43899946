using OtoMask.Studies;
using OtoMask.Studies.Results;

namespace OtoMask.Tests.Studies;

/// <summary>The published results of the studies are what their rows say, and the small study's configurations those that were committed before.</summary>
public sealed class StudyMiniTests
{
    [Theory]
    [InlineData("study-mini")]
    [InlineData("study-mini-m2d")]
    public void Its_configuration_is_the_one_that_was_committed_before(string study) =>
        Assert.Equal(File.ReadAllText(Path.Combine(Repository.Root, "configs", $"{study}.yaml")), File.ReadAllText(Published(study).Config));

    [Theory]
    [InlineData("study-mini")]
    [InlineData("study-mini-m2d")]
    [InlineData("study-padding")]
    public void Its_tables_are_those_of_its_rows(string study) => Assert.Equal(
        StudyTables.Markdown(StudyResults.Read(Published(study))), File.ReadAllText(Path.Combine(Published(study).Path, "tables.md")));

    /// <summary>They ran without the warm-up that <c>inverse-block</c> has in the paper, so nothing of theirs may go by that name.</summary>
    [Theory]
    [InlineData("study-mini")]
    [InlineData("study-mini-m2d")]
    public void Its_blocks_are_those_without_a_warm_up(string study)
    {
        string[] arms = [.. StudyFile.Read(Published(study).Config).ArmNames];
        Assert.Contains("inverse-block-from-start", arms);
        Assert.Equal(arms.Order(), JsonLines.Read<StudyRow>(Published(study).Rows).Select(row => row.Arm).Distinct().Order());
        Assert.Equal(arms.Order(), JsonLines.Read<StudyConfusion>(Published(study).Confusions).Select(row => row.Arm).Distinct().Order());
        Assert.Subset(arms.ToHashSet(), JsonLines.Read<StudyCost>(Published(study).Costs).Select(cost => cost.Arm).ToHashSet());
    }

    private static StudyFolder Published(string study) => new(Path.Combine(Repository.Root, "docs", study));
}
