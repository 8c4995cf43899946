using OtoMask.Randomness;

namespace OtoMask.Tests;

public class RandomStreamTests
{
    [Fact]
    public void Normal_numbers_drawn_at_once_are_normal_and_the_same_for_the_same_stream()
    {
        const int Count = 1_000_001; // not a multiple of anything
        float[] values = new float[Count], again = new float[Count], others = new float[Count];
        Stream(3).FillNormal(values, 2);
        Stream(3).FillNormal(again, 2);
        Stream(4).FillNormal(others, 2);
        Assert.Equal(values, again);
        Assert.Equal(0, values.Average(value => (double)value), 0.01);
        Assert.Equal(4, values.Average(value => (double)value * value), 0.02);
        Assert.Equal(3 * 16, values.Average(value => Math.Pow(value, 4)), 0.6);
        Assert.Equal(0.6827, values.Average(value => Math.Abs(value) < 2 ? 1.0 : 0), 0.002);
        Assert.Equal(0.0455, values.Average(value => Math.Abs(value) > 4 ? 1.0 : 0), 0.001);
        foreach (int lag in (int[])[1, 2, 63, 64, 65, 128])
            Assert.Equal(0, values.Skip(lag).Zip(values, (a, b) => (double)a * b).Average(), 0.02);
        Assert.Equal(0, values.Zip(others, (a, b) => (double)a * b).Average(), 0.02);
        Assert.All(values, value => Assert.True(float.IsFinite(value)));
    }

    [Theory, InlineData(1), InlineData(63), InlineData(64), InlineData(65), InlineData(128), InlineData(129)]
    public void A_shorter_array_has_the_first_of_the_same_numbers(int count)
    {
        float[] all = new float[300], some = new float[count];
        Stream(1).FillNormal(all, 1);
        Stream(1).FillNormal(some, 1);
        Assert.Equal(all[..count], some);
    }

    private static RandomStream Stream(long index) => new(7, RandomPurpose.MaskNoise, 0, index);
}
