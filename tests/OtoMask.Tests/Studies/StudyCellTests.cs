using OtoMask.Configuration;
using OtoMask.Studies;

namespace OtoMask.Tests.Studies;

/// <summary>What tells rows that still count from rows that no longer do.</summary>
public sealed class StudyCellTests
{
    private static readonly StudyCell Cell = new("m2d", "dwm", new PretrainingConfig { Data = "recordings" });

    /// <summary>Published rows carry it, and a study goes on from them: a key added to configurations must leave it as it was.</summary>
    [Fact]
    public void The_fingerprint_of_a_configuration_stays() => Assert.Equal("79f718ccaf2b7f8d", FingerprintOf(Cell.Config));

    /// <summary>What rows of <c>inverse-block</c> and <c>block</c> carried before these began randomly: they count for the arms without a warm-up, and for no other.</summary>
    [Theory]
    [InlineData("inverse-block", "d41ea1d1c11cb347"), InlineData("block", "24718c1fdb630ff2")]
    public void Rows_of_blocks_without_a_warm_up_count_by_the_name_that_these_have_now(string mask, string published)
    {
        Assert.Equal(published, FingerprintOf(Cell.Config with { Mask = $"{mask}-from-start" }));
        Assert.NotEqual(published, FingerprintOf(Cell.Config with { Mask = mask }));
    }

    [Theory]
    [InlineData("mask", "random"), InlineData("seed", "43"), InlineData("from", "runs/other"), InlineData("noise", "hum"), InlineData("gradients", "bf16")]
    public void It_changes_with_what_results_depend_on(string key, string value) =>
        Assert.NotEqual(FingerprintOf(Cell.Config), FingerprintOf(ConfigKeys.Find(key).Set(Cell.Config, value)));

    [Theory]
    [InlineData("data", "elsewhere"), InlineData("workers", "3"), InlineData("keep-last", "9"), InlineData("bf16-by", "aten")]
    public void It_does_not_change_with_the_rest(string key, string value) =>
        Assert.Equal(FingerprintOf(Cell.Config), FingerprintOf(ConfigKeys.Find(key).Set(Cell.Config, value)));

    private static string FingerprintOf(PretrainingConfig config) => (Cell with { Config = config }).Fingerprint("pool", "task", "probe");
}
