using OtoMask.Studies;
using OtoMask.Studies.Results;

namespace OtoMask.Tests.Studies;

/// <summary>The published results of configs/study-mini.yaml are what its rows say.</summary>
public sealed class StudyMiniTests
{
    private static readonly StudyFolder Results = new(Path.Combine(Repository.Root, "docs", "study-mini"));

    [Fact]
    public void Its_configuration_is_the_one_that_was_committed_before() =>
        Assert.Equal(File.ReadAllText(Path.Combine(Repository.Root, "configs", "study-mini.yaml")), File.ReadAllText(Results.Config));

    [Fact]
    public void Its_tables_are_those_of_its_rows() => Assert.Equal(
        StudyTables.Markdown(StudyResults.Read(Results)), File.ReadAllText(Path.Combine(Results.Path, "tables.md")));
}
