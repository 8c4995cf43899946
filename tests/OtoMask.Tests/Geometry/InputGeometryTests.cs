using FsCheck;
using FsCheck.Fluent;
using OtoMask.Geometry;

namespace OtoMask.Tests.Geometry;

public class InputGeometryTests
{
    [Fact]
    public void Parses_the_notation_of_the_field()
    {
        InputGeometry geometry = InputGeometry.Parse("80x608", "16x16");
        Assert.Equal((80, 608, 16, 16), (geometry.Bands, geometry.Frames, geometry.PatchHeight, geometry.PatchWidth));
        Assert.Equal((5, 38, 190), (geometry.Grid.Rows, geometry.Grid.Columns, geometry.Grid.Count));
        Assert.Equal("80x608p16x16", geometry.ToString());
    }

    [Theory]
    [InlineData(6.08, 16, 608)]
    [InlineData(0.96, 16, 96)]
    [InlineData(6.1, 16, 608)]
    [InlineData(10, 16, 992)]
    [InlineData(1.005, 1, 100)]
    [InlineData(0.29, 1, 29)]
    public void Seconds_become_frames_rounded_down_to_whole_patches(double seconds, int patchWidth, int frames) =>
        Assert.Equal(frames, InputGeometry.FramesOf(seconds, patchWidth));

    [Theory]
    [InlineData("80x608", "16x16x", "patch '16x16x'")]
    [InlineData("80", "16x16", "input '80'")]
    [InlineData("80x-608", "16x16", "80x608")]
    [InlineData("0x608", "16x16", "at least 1")]
    [InlineData("80x99999999999999", "16x16", "80x608")]
    [InlineData("80x608", "0x16", "at least 1")]
    [InlineData("80x608", "96x16", "larger than the input")]
    [InlineData("80x8", "16x16", "larger than the input")]
    [InlineData("80x608", "15x16", "80 bands are not a multiple")]
    [InlineData("80x600", "16x16", "80x592")]
    public void Impossible_geometry_is_refused_with_a_remedy(string input, string patch, string said) =>
        Assert.Contains(said, Assert.Throws<UserErrorException>(() => InputGeometry.Parse(input, patch)).Message);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(0.1)]
    public void Impossible_lengths_are_refused(double seconds) =>
        Assert.Throws<UserErrorException>(() => InputGeometry.FromSeconds(seconds, "16x16"));

    [Fact]
    public void Frames_never_exceed_the_seconds_by_more_than_rounding() =>
        Prop.ForAll((from tenths in Gen.Choose(1, 40_000) from width in Gen.Choose(1, 32) select (Seconds: tenths / 100.0, width)).ToArbitrary(), @case =>
        {
            if (@case.Seconds * 100 < @case.width)
                return;
            int frames = InputGeometry.FramesOf(@case.Seconds, @case.width);
            Assert.Equal(0, frames % @case.width);
            Assert.InRange(frames, @case.Seconds * 100 - @case.width, @case.Seconds * 100 + 0.5);
        }).QuickCheckThrowOnFailure();
}
