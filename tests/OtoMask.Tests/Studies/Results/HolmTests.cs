using FsCheck;
using FsCheck.Fluent;
using OtoMask.Studies.Results;
using OtoMask.Tests.Data;

namespace OtoMask.Tests.Studies.Results;

public sealed class HolmTests
{
    [Fact]
    public void AgreesWithWhatIsWorkedByHand()
    {
        // Sorted .005 .01 .03 .04, times 4 3 2 1 = .02 .03 .06 .04; the last may not fall below the one before.
        Assert.Equal([0.03, 0.06, 0.06, 0.02], Holm.Adjust([0.01, 0.04, 0.03, 0.005]).Select(p => Math.Round(p, 12)));
        Assert.Equal([1, 1], Holm.Adjust([0.9, 0.6]));
        Assert.Equal([0.04], Holm.Adjust([0.04]));
        Assert.Empty(Holm.Adjust([]));
    }

    [Fact]
    public void LiesBetweenTheRawPAndBonferronisAndKeepsTheOrder()
    {
        Gen<double[]> cases = Gen.ArrayOf(Gen.Choose(0, 1000).Select(p => p / 1000.0));
        Prop.ForAll(cases.ToArbitrary(), p =>
        {
            double[] adjusted = Holm.Adjust(p);
            bool between = p.Zip(adjusted).All(pair => pair.Second >= pair.First && pair.Second <= Math.Min(1, p.Length * pair.First));
            int[] order = [.. Enumerable.Range(0, p.Length).OrderBy(i => p[i])];
            return between && order.Zip(order.Skip(1)).All(pair => adjusted[pair.First] <= adjusted[pair.Second]);
        }).QuickCheckThrowOnFailureIn(cases: 300);
    }
}
