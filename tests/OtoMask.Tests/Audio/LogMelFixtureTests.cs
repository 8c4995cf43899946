using OtoMask.Audio;
using OtoMask.Interop;

namespace OtoMask.Tests.Fixtures.Audio;

[Trait("Category", "Fixtures")]
public class LogMelFixtureTests
{
    private const double Tolerance = 2e-3, FilterBankTolerance = 1e-6, WeakestPower = 1e-6;

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("3")]
    [InlineData("_short")]
    public void Log_mel_agrees_with_the_reference(string name)
    {
        NpyArray wave = NpyFile.Read(Fixture.Path($"frontend_wave{name}.npy"));
        NpyArray expected = NpyFile.Read(Fixture.Path($"frontend_logmel{name}.npy"));

        LogMel actual = new LogMelExtractor(LogMelSettings.Default).Compute(wave.Values);

        Assert.Equal(expected.Shape, new[] { actual.Bands, actual.Frames });
        for (int i = 0; i < expected.Values.Length; i++)
        {
            if (Math.Exp(expected.Values[i]) > WeakestPower)
                Assert.Equal(expected.Values[i], actual.Values[i], Tolerance);
        }
    }

    [Fact]
    public void Filter_bank_agrees_with_the_reference()
    {
        NpyArray expected = NpyFile.Read(Fixture.Path("frontend_melbasis.npy"));

        float[] actual = LogMelExtractor.FilterBank(LogMelSettings.Default);

        Assert.Equal([80, 201], expected.Shape);
        for (int i = 0; i < expected.Values.Length; i++)
            Assert.Equal(expected.Values[i], actual[i], FilterBankTolerance);
    }
}
