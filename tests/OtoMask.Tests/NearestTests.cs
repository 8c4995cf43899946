namespace OtoMask.Tests;

public sealed class NearestTests
{
    private static readonly string[] Known = ["dwm", "dwm-topk", "inverse-block", "random"];

    [Theory]
    [InlineData("dmw", "dwm")]
    [InlineData("DWM", "dwm")]
    [InlineData("dwm_topk", "dwm-topk")]
    [InlineData("inverted-blocks", "inverse-block")]
    [InlineData("radnom", "random")]
    [InlineData("block", "inverse-block")]
    [InlineData("--topk", "dwm-topk")]
    [InlineData("random-masking", "random")]
    [InlineData("inv", "inverse-block")]
    public void A_name_a_few_edits_away_is_offered(string typed, string meant) => Assert.Equal($"; did you mean {meant}?", Nearest.Hint(typed, Known));

    [Theory]
    [InlineData("gradients")]
    [InlineData("")]
    [InlineData("x")]
    public void None_is_where_all_are_far(string typed)
    {
        Assert.Equal("", Nearest.Hint(typed, Known));
        Assert.Equal("; no", Nearest.Hint(typed, Known, "; no"));
        Assert.Equal("", Nearest.Hint(typed, []));
    }
}
