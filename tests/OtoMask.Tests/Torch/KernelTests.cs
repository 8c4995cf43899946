using System.Numerics;
using OtoMask.Torch;

namespace OtoMask.Tests.Torch;

/// <summary>
/// The kernels (float32, bfloat16) against the formulas in ATen operators, which the same functions follow for float64:
/// values and the gradients of every input, on even, odd and tiny shapes.
/// </summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class KernelTests
{
    private const double SinglePrecision = 4e-6, HalfPrecision = 0.02; // of the largest value

    public static TheoryData<long, long, long, bool> Maps()
    {
        var data = new TheoryData<long, long, long, bool>();
        foreach ((long rows, long inputs, long outputs) in ((long, long, long)[])[(1, 2, 2), (7, 5, 3), (13, 48, 96), (129, 50, 98), (300, 192, 66), (33, 130, 1)])
        {
            data.Add(rows, inputs, outputs, false);
            data.Add(rows, inputs, outputs, true);
        }
        return data;
    }

    public static TheoryData<long, long, int, long, bool> Heads()
    {
        var data = new TheoryData<long, long, int, long, bool>();
        foreach ((long clips, long tokens, int heads, long size) in ((long, long, int, long)[])[(1, 1, 1, 2), (2, 17, 3, 64), (3, 58, 2, 16), (1, 131, 2, 36), (2, 9, 1, 5)])
        {
            data.Add(clips, tokens, heads, size, false);
            data.Add(clips, tokens, heads, size, true);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Maps))]
    public void Linear_maps_agree(long rows, long inputs, long outputs, bool half)
    {
        Agree(half, x => F.Linear(x[0], x[1], x[2]), [1, rows, inputs], [outputs, inputs], [outputs]);
        Agree(half, x => F.Linear(x[0], x[1], x[2], x[3]), [1, rows, inputs], [outputs, inputs], [outputs], [1, rows, outputs]);
    }

    [Theory]
    [MemberData(nameof(Maps))]
    public void Mlps_agree(long rows, long inputs, long hidden, bool half) => Agree(
        half, x => F.Mlp(x[0], x[1], x[2], x[3], x[4], x[5]),
        [1, rows, inputs], [hidden, inputs], [hidden], [inputs, hidden], [inputs], [1, rows, inputs]);

    [Theory]
    [MemberData(nameof(Heads))]
    public void Attention_agrees(long clips, long tokens, int heads, long size, bool half) =>
        Agree(half, x => F.Attention(x[0], heads), [clips, tokens, 3 * heads * size]);

    [Theory]
    [MemberData(nameof(Maps))]
    public void Layer_norms_agree(long rows, long width, long clips, bool half) =>
        Agree(half, x => Joined(F.LayerNormBranch(x[0], x[1], x[2], 1e-6)), [clips, rows, width + 3], [width + 3], [width + 3]);

    [Theory]
    [MemberData(nameof(Maps))]
    public void Cosine_losses_agree(long rows, long width, long clips, bool half) => Agree(
        half, x => F.CosineLoss(x[0], x[0].Detach() * x[0].Detach()) * (clips * rows), [clips, rows, width]);

    [Fact]
    public void Results_do_not_depend_on_the_number_of_threads()
    {
        int threads = TorchRuntime.Threads;
        try
        {
            float[][][] results = [.. new[] { 1, 2, 3 }.Select(count =>
            {
                TorchRuntime.Threads = count;
                using var scope = new TensorScope();
                return Differentiate<float>(
                    true, x => F.Mlp(F.LayerNormBranch(x[0], x[5], x[4], 1e-6).Normalised, x[1], x[2], x[3], x[4], x[0]) + F.Attention(F.Linear(x[0], x[6], x[7]), 4),
                    [3, 150, 48], [192, 48], [192], [48, 192], [48], [48], [144, 48], [144]);
            })];
            for (int i = 0; i < results[0].Length; i++)
            {
                Assert.Equal(results[0][i], results[1][i]);
                Assert.Equal(results[0][i], results[2][i]);
            }
        }
        finally
        {
            TorchRuntime.Threads = threads;
        }
    }

    [Fact]
    public void Parameters_with_a_gradient_are_added_to_in_place()
    {
        using var parameters = new ParameterSet();
        Parameter weight = parameters.Add("w", static (values, _) => values.Fill(0.5f), 4, 4), bias = parameters.Add("b", static (values, _) => values.Fill(1), 4);
        parameters.LayOut(Device.Cpu, trained: true);
        using var scope = new TensorScope();
        Tensor x = Tensor.From(Values([2, 3, 4], 0), 2, 3, 4);
        float[] once = [];
        for (int repeat = 1; repeat <= 2; repeat++)
        {
            F.Mlp(x, weight, bias, weight, bias, x).Sum().Backward();
            float[] gradients = parameters.Gradients.ToArray<float>();
            once = repeat == 1 ? gradients : once;
            Assert.All(gradients.Zip(once), pair => Assert.Equal(pair.Second * repeat, pair.First, 1e-4));
        }
        Assert.Contains(once, value => value != 0);
    }

    /// <summary>Both results in one, so that both have a gradient.</summary>
    private static Tensor Joined((Tensor Normalised, Tensor Residual) both) => both.Normalised + both.Residual * 0.5;

    private static void Agree(bool half, Func<Tensor[], Tensor> function, params long[][] shapes)
    {
        using var scope = new TensorScope();
        float[][] actual = Differentiate<float>(half, function, shapes), expected = Differentiate<double>(false, function, shapes);
        for (int i = 0; i < expected.Length; i++)
        {
            double largest = Math.Max(expected[i].Max(MathF.Abs), 0.1), difference = expected[i].Zip(actual[i], (a, b) => Math.Abs((double)a - b)).Max();
            Assert.True(difference <= (half ? HalfPrecision : SinglePrecision) * largest, $"{(i == 0 ? "value" : $"gradient {i - 1}")}: {difference:G3} of {largest:G3}");
        }
    }

    /// <summary>The values of the function and the gradients of all its inputs, for a sum with varied weights.</summary>
    private static float[][] Differentiate<T>(bool half, Func<Tensor[], Tensor> function, params long[][] shapes) where T : unmanaged
    {
        DType type = typeof(T) == typeof(double) ? DType.Float64 : DType.Float32;
        Tensor[] inputs = [.. shapes.Select((shape, i) => Tensor.From(Values(shape, i), shape).To(type).Detach())];
        foreach (Tensor input in inputs)
            input.RequireGradient();
        Tensor value;
        using (half ? TorchRuntime.Autocast(Device.Cpu) : null)
            value = function(inputs);
        Tensor wide = value.To(type);
        (wide * Tensor.From(Values(wide.Shape, 99), wide.Shape).To(type)).Sum().Backward();
        return [.. inputs.Select(input => input.Gradient!).Prepend(wide.Detach()).Select(tensor => tensor.To(DType.Float32).ToArray<float>())];
    }

    /// <summary>Values between -1 and 1 in no visible order.</summary>
    private static float[] Values(long[] shape, int seed)
    {
        var values = new float[shape.Aggregate(1L, (count, size) => count * size)];
        for (int i = 0; i < values.Length; i++)
            values[i] = (int)(BitOperations.RotateLeft((uint)(i + 1) * 0x9E3779B1u ^ (uint)seed * 0x85EBCA77u, 13) * 0xC2B2AE3Du) / (float)(1u << 31);
        return values;
    }
}
