using OtoMask.Torch;

namespace OtoMask.Tests.Torch;

[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class TensorTests
{
    [Fact]
    public void Values_survive_the_way_in_and_out()
    {
        using var scope = new TensorScope();
        float[] values = [1, -2, 3.5f, float.MaxValue, float.Epsilon, 0];
        Tensor tensor = Tensor.From(values, 2, 3);
        Assert.Equal([2, 3], tensor.Shape);
        Assert.Equal(DType.Float32, tensor.DType);
        Assert.Equal(Device.Cpu, tensor.Device);
        Assert.Equal(values, tensor.ToArray<float>());
        Assert.Equal([1, float.MaxValue, -2, float.Epsilon, 3.5f, 0], tensor.Transpose(0, 1).ToArray<float>());
    }

    [Fact]
    public void Operators_compute_and_take_lists_scalars_and_defaults()
    {
        using var scope = new TensorScope();
        Tensor a = Tensor.From([1f, 2, 3, 4], 2, 2), b = Tensor.From([10f, 20, 30, 40], 2, 2);
        Assert.Equal([11f, 22, 33, 44], (a + b).ToArray<float>());
        Assert.Equal([70f, 100, 150, 220], a.MatMul(b).ToArray<float>());
        Assert.Equal([1f, 2, 3, 4, 10, 20, 30, 40], Tensor.Cat(0, a, b).ToArray<float>());
        Assert.Equal(110, Tensor.Cat(1, a, b).Sum().Item());
        Assert.Equal([1f, 2], a.Unbind(0)[0].ToArray<float>());
        Assert.Equal([3f, 4, 1, 2], a.IndexSelect(0, Tensor.From([1L, 0], 2)).ToArray<float>());
        Assert.Equal(0.5, a.Variance(1).Mean().Item());
    }

    [Fact]
    public void Autograd_differentiates_and_adds_to_the_flat_gradient_buffer_in_place()
    {
        using var parameters = new ParameterSet();
        Parameter w = parameters.Add("w", static (values, _) => values.Fill(2), 2, 2);
        Parameter b = parameters.Add("b", static (values, _) => values.Fill(1), 2);
        parameters.LayOut(Device.Cpu, trained: true);
        using var scope = new TensorScope();
        Tensor x = Tensor.From([1f, 2, 3, 4], 2, 2);
        for (int repeat = 1; repeat <= 2; repeat++)
        {
            F.Linear(x, w, b).Sum().Backward();
            Assert.Equal([4f * repeat, 6 * repeat, 4 * repeat, 6 * repeat, 2 * repeat, 2 * repeat], parameters.Gradients.ToArray<float>());
        }
    }

    [Fact]
    public void No_gradient_is_recorded_under_NoGrad()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.From([1f, 2], 2);
        x.RequireGradient();
        using (TorchRuntime.NoGrad())
        {
            Tensor y = (x * 2).Sum();
            Assert.Throws<TorchException>(y.Backward);
        }
        (x * 2).Sum().Backward();
        Assert.Equal([2f, 2], x.Gradient!.ToArray<float>());
    }

    [Fact]
    public void Errors_cross_the_bridge_as_one_clear_exception()
    {
        using var scope = new TensorScope();
        Tensor a = Tensor.From([1f, 2], 2), b = Tensor.From([1f, 2, 3], 3);
        Assert.Contains("size", Assert.Throws<TorchException>(() => a + b).Message);
        Assert.Contains("aten::no_such", Assert.Throws<TorchException>(() => new Operator("aten::no_such").Call(a)).Message);
        Assert.Throws<ArgumentException>(() => Tensor.From([1f], 2));
        Assert.Throws<ArgumentException>(() => a.ToArray<double>());
        a.Dispose();
        Assert.Throws<ObjectDisposedException>(() => a + 1);
    }

    [Fact]
    public void A_scope_disposes_what_was_made_inside_but_what_it_keeps()
    {
        using var outer = new TensorScope();
        long before = TensorScope.LiveTensors;
        Tensor kept;
        using (var inner = new TensorScope())
        {
            Tensor a = Tensor.From([1f], 1);
            _ = a + a;
            kept = inner.Keep(a + 1);
            Assert.Equal(before + 3, TensorScope.LiveTensors);
        }
        Assert.Equal(before + 1, TensorScope.LiveTensors);
        Assert.Equal([2f], kept.ToArray<float>());
    }

    [Fact]
    public void The_fused_AdamW_follows_the_formula()
    {
        using var parameters = new ParameterSet();
        parameters.Add("w", static (values, _) => { for (int i = 0; i < values.Length; i++) values[i] = i - 3; }, 3, 5);
        parameters.Add("b", static (values, _) => values.Fill(0.5f), 7);
        parameters.LayOut(Device.Cpu, trained: true);
        using var optimizer = new AdamW(parameters, weightDecay: 0.3);
        double[] p = [.. parameters.Values.ToArray<float>().Select(value => (double)value)], m = new double[p.Length], v = new double[p.Length];
        for (int step = 1; step <= 3; step++)
        {
            Span<float> gradients = parameters.Gradients.Memory();
            for (int i = 0; i < p.Length; i++)
            {
                gradients[i] = MathF.Sin(i * step);
                double g = gradients[i] * 0.5;
                (m[i], v[i]) = (0.9 * m[i] + 0.1 * g, 0.95 * v[i] + 0.05 * g * g);
                p[i] -= 0.01 * (i < 15 ? 0.3 : 0) * p[i];
                p[i] -= 0.01 * (m[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, step))) + 1e-8);
            }
            optimizer.Step(0.01, gradientScale: 0.5);
        }
        float[] actual = parameters.Values.ToArray<float>();
        for (int i = 0; i < p.Length; i++)
            Assert.Equal(p[i], actual[i], 5e-6);
    }
}
