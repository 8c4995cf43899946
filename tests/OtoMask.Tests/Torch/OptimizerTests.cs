using OtoMask.Torch;

namespace OtoMask.Tests.Torch;

/// <summary>The optimisers of fine-tuning beside their formulas in float64: 4 x 5 matrix values, then 3 of a vector.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class OptimizerTests
{
    private const int Matrix = 20, All = 23;
    private const double Rate = 0.05, Scale = 0.5;

    [Theory]
    [InlineData(1.0, 1.0), InlineData(0.25, 1.0), InlineData(0.0, 0.5)]
    public void Sgd_follows_the_formula(double matrixRate, double vectorRate)
    {
        var v = new double[All];
        Compare(set => new Sgd(set, rateOf: Rates(matrixRate, vectorRate)), (p, g) =>
        {
            for (int i = 0; i < All; i++)
            {
                v[i] = 0.9 * v[i] + g[i];
                p[i] -= Rate * (i < Matrix ? matrixRate : vectorRate) * v[i];
            }
        });
    }

    [Theory]
    [InlineData(1.0, 1.0), InlineData(0.25, 1.0), InlineData(0.0, 0.5)]
    public void AdamW_with_AMSGrad_follows_the_formula(double matrixRate, double vectorRate)
    {
        double[] m = new double[All], v = new double[All], largest = new double[All];
        int step = 0;
        Compare(set => new AdamW(set, 0.3, amsGrad: true, rateOf: Rates(matrixRate, vectorRate)), (p, g) =>
        {
            step++;
            for (int i = 0; i < All; i++)
            {
                double rate = Rate * (i < Matrix ? matrixRate : vectorRate);
                (m[i], v[i]) = (0.9 * m[i] + 0.1 * g[i], 0.95 * v[i] + 0.05 * g[i] * g[i]);
                largest[i] = Math.Max(largest[i], v[i]);
                p[i] -= rate * (i < Matrix ? 0.3 : 0) * p[i];
                p[i] -= rate * (m[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(largest[i] / (1 - Math.Pow(0.95, step))) + 1e-8);
            }
        });
    }

    [Theory]
    [InlineData(1.0, 1.0), InlineData(0.25, 1.0), InlineData(0.0, 0.5)]
    public void Lars_follows_the_formula(double matrixRate, double vectorRate)
    {
        var v = new double[All];
        Compare(set => new Lars(set, weightDecay: 0.1, rateOf: Rates(matrixRate, vectorRate)), (p, g) =>
        {
            double[] d = [.. g.Select((value, i) => i < Matrix ? value + 0.1 * p[i] : value)];
            double Norm(double[] x) => Math.Sqrt(x[..Matrix].Sum(value => value * value));
            double share = 0.001 * Norm(p) / Norm(d);
            for (int i = 0; i < All; i++)
            {
                v[i] = 0.9 * v[i] + (i < Matrix ? share : 1) * d[i];
                p[i] -= Rate * (i < Matrix ? matrixRate : vectorRate) * v[i];
            }
        });
    }

    private static void Compare(Func<ParameterSet, IOptimizer> create, Action<double[], double[]> formula)
    {
        using var set = new ParameterSet();
        set.Add("vector", static (values, _) => Fill(values, 2), 3); // laid out behind the matrix
        set.Add("matrix", static (values, _) => Fill(values, 1), 4, 5);
        set.LayOut(Device.Cpu, trained: true);
        using IOptimizer optimizer = create(set);
        double[] p = [.. set.Values.ToArray<float>().Select(value => (double)value)];
        for (int step = 1; step <= 6; step++)
        {
            var g = new double[All];
            Span<float> gradients = set.Gradients.Memory();
            for (int i = 0; i < All; i++)
                g[i] = Scale * (gradients[i] = MathF.Sin(i * step) / step); // later gradients are smaller, so that the largest square is not the newest
            formula(p, g);
            optimizer.Step(Rate, Scale);
            Assert.All(set.Gradients.ToArray<float>(), gradient => Assert.Equal(0, gradient));
        }
        Assert.Equal(6, optimizer.Steps);
        Assert.All(p.Zip(set.Values.ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, 5e-6)); // values of about 1 in float32
    }

    private static Func<Parameter, double> Rates(double matrix, double vector) => parameter => parameter.Name == "matrix" ? matrix : vector;

    private static void Fill(Span<float> values, int phase)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = MathF.Cos(phase + i);
    }
}
