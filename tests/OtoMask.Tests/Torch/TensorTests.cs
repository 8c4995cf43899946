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

    [Theory]
    [InlineData(DType.Float32, DType.Float32, 5e-6)]
    [InlineData(DType.Float32, DType.BFloat16, 2e-4)] // 0.01, the step length, times what three roundings of a moment make
    [InlineData(DType.BFloat16, DType.Float32, 5e-6)] // gradients are given, so their rounding is none of the step's
    [InlineData(DType.BFloat16, DType.BFloat16, 2e-4)]
    public void The_fused_AdamW_follows_the_formula_and_so_does_its_follower(DType gradientType, DType moments, double tolerance)
    {
        using ParameterSet parameters = Trained(gradientType), slow = new();
        slow.Add("w", static (values, _) => values.Fill(9), 2, 5);
        slow.LayOut(Device.Cpu, trained: false);
        using var optimizer = new AdamW(parameters, weightDecay: 0.3, [new Follower(slow, Offset: 1, Start: 4, Count: 8)], moments);
        double[] p = [.. parameters.Values.ToArray<float>().Select(value => (double)value)], m = new double[p.Length], v = new double[p.Length];
        double[] following = [.. Enumerable.Repeat(9.0, 10)];
        for (int step = 1; step <= 3; step++)
        {
            using var scope = new TensorScope();
            parameters.Gradients.AddInto(Tensor.From([.. p.Select((_, i) => MathF.Sin(i * step))], p.Length));
            float[] gradients = parameters.Gradients.To(DType.Float32).ToArray<float>();
            for (int i = 0; i < p.Length; i++)
            {
                double g = gradients[i] * 0.5;
                (m[i], v[i]) = (0.9 * m[i] + 0.1 * g, 0.95 * v[i] + 0.05 * g * g);
                p[i] -= 0.01 * (i < 15 ? 0.3 : 0) * p[i];
                p[i] -= 0.01 * (m[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, step))) + 1e-8);
            }
            for (int i = 0; i < 8; i++)
                following[1 + i] = 0.8 * following[1 + i] + 0.2 * p[4 + i];
            optimizer.Step(0.01, gradientScale: 0.5, emaDecay: 0.8);
            Assert.All(parameters.Gradients.To(DType.Float32).ToArray<float>(), gradient => Assert.Equal(0, gradient));
        }
        Agree(p, parameters.Values, tolerance);
        Agree(following, slow.Values, tolerance);
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.BFloat16)]
    public void AdamW_of_another_type_takes_the_same_step_operator_by_operator(DType gradientType)
    {
        using var scope = new TensorScope();
        const int Count = 12_345; // several stretches of the fused loop, the last one cut
        Tensor[] Buffers(DType type) =>
        [
            .. new Func<int, float>[] { i => MathF.Sin(i), i => MathF.Cos(3 * i), i => MathF.Sin(i) / 9, i => MathF.Abs(MathF.Cos(i)) / 9, i => i % 7 }
                .Select(value => Tensor.From([.. Enumerable.Range(0, Count).Select(value)], Count).To(type)),
        ];
        var update = new Operator("otomask::adamw_");
        Tensor[] fused = Buffers(DType.Float32), portable = Buffers(DType.Float64);
        (fused[1], portable[1]) = (fused[1].To(gradientType), portable[1].To(gradientType));
        foreach (Tensor[] b in (Tensor[][])[fused, portable])
            update.Run(b[0], b[1], b[2], b[3], 0.01, 0.9, 0.95, 1e-8, 0.3, 5, 0.5, b[4].Narrow(0, 0, 9000), 3000, 0.8);
        foreach ((Tensor ours, Tensor exact) in fused.Zip(portable))
            Agree([.. exact.To(DType.Float32).ToArray<float>().Select(value => (double)value)], ours.To(DType.Float32), 2e-6);
    }

    [Theory]
    [InlineData(DType.Float32)]
    [InlineData(DType.BFloat16)]
    [InlineData(DType.Float64)]
    public void The_norm_is_Euclids(DType type)
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.From([.. Enumerable.Range(0, 12_345).Select(i => MathF.Sin(i) * 1e3f)], 12_345).To(type); // several stretches, the last one cut
        double expected = Math.Sqrt(x.To(DType.Float32).ToArray<float>().Sum(value => (double)value * value));
        Assert.Equal(expected, x.Norm().Item(), 1e-6 * expected);
    }

    [Fact]
    public void A_follower_of_both_kinds_of_parameters_is_refused()
    {
        using ParameterSet parameters = Trained();
        Assert.Throws<ArgumentException>(() => new AdamW(parameters, 0.3, [new Follower(parameters, Offset: 0, Start: 14, Count: 2)]));
    }

    private static ParameterSet Trained(DType gradientType = DType.Float32)
    {
        var parameters = new ParameterSet();
        parameters.Add("w", static (values, _) => { for (int i = 0; i < values.Length; i++) values[i] = i - 3; }, 3, 5);
        parameters.Add("b", static (values, _) => values.Fill(0.5f), 7);
        parameters.LayOut(Device.Cpu, trained: true, gradientType);
        return parameters;
    }

    private static void Agree(double[] expected, Tensor actual, double tolerance)
    {
        float[] values = actual.ToArray<float>();
        Assert.Equal(expected.Length, values.Length);
        for (int i = 0; i < values.Length; i++)
            Assert.Equal(expected[i], values[i], tolerance);
    }
}
