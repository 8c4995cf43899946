using System.Numerics;
using OtoMask.Torch;

namespace OtoMask.Tests.Torch;

/// <summary>
/// The kernels of every set that this processor runs (float32, the last one in bfloat16) against the formulas in ATen
/// operators, which the same functions follow for float64: values and the gradients of every input, on even, odd and tiny shapes.
/// </summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class KernelTests : IDisposable
{
    /// <summary>Largest error, as a share of the largest value. In a branch, values are rounded to bfloat16 at up to four places one after the other.</summary>
    private const double SinglePrecision = 4e-6, HalfPrecision = 0.02, HalfPrecisionOfBranches = 0.04;

    private static readonly (long, long, long)[] MapShapes =
    [
        (1, 1, 1), (1, 2, 2), (7, 5, 3), (9, 3, 40), (6, 8, 24), (4, 33, 25), (13, 48, 96), (129, 50, 98), (300, 192, 66), (33, 130, 1),
        (70, 30, 330), (800, 370, 22), // gradients of weights in parts, by the left and by the right operand
    ];

    private static readonly (long, long, int, long)[] HeadShapes =
        [(1, 1, 1, 4), (1, 1, 4, 1), (2, 8, 1, 8), (2, 17, 3, 64), (3, 58, 2, 16), (1, 131, 2, 36), (2, 9, 1, 5)];

    private static IEnumerable<KernelSet> Sets => Enum.GetValues<KernelSet>().Where(set => set <= TorchRuntime.BestKernels);

    public static TheoryData<KernelSet> EverySet() => [.. Sets];

    public static TheoryData<KernelSet, long, long, long> Maps()
    {
        var data = new TheoryData<KernelSet, long, long, long>();
        foreach (KernelSet set in Sets)
        {
            foreach ((long rows, long inputs, long outputs) in MapShapes)
                data.Add(set, rows, inputs, outputs);
        }
        return data;
    }

    public static TheoryData<KernelSet, long, long, int, long> Heads()
    {
        var data = new TheoryData<KernelSet, long, long, int, long>();
        foreach (KernelSet set in Sets)
        {
            foreach ((long clips, long tokens, int heads, long size) in HeadShapes)
                data.Add(set, clips, tokens, heads, size);
        }
        return data;
    }

    public virtual void Dispose()
    {
        TorchRuntime.Kernels = TorchRuntime.BestKernels;
        GC.SuppressFinalize(this);
    }

    [Theory]
    [MemberData(nameof(Maps))]
    public void Linear_maps_agree(KernelSet set, long rows, long inputs, long outputs) =>
        Agree(set, x => F.Linear(x[0], x[1], x[2]), [1, rows, inputs], [outputs, inputs], [outputs]);

    [Theory]
    [MemberData(nameof(Maps))]
    public void Mlp_branches_agree(KernelSet set, long rows, long inputs, long hidden) => AgreeAsBranches(
        set, MlpBranch, [1, rows, inputs + 4], [inputs + 4], [inputs + 4], [hidden, inputs + 4], [hidden], [inputs + 4, hidden], [inputs + 4]);

    [Theory]
    [MemberData(nameof(Heads))]
    public void Attention_branches_agree(KernelSet set, long clips, long tokens, int heads, long size) => AgreeAsBranches(
        set, x => AttentionBranch([.. x[..3], x[3] * Math.Pow(heads * size, -0.5), .. x[4..]], heads), // or the softmax would choose single tokens
        [clips, tokens, heads * size], [heads * size], [heads * size], [3 * heads * size, heads * size], [3 * heads * size], [heads * size, heads * size], [heads * size]);

    [Theory]
    [MemberData(nameof(Maps))]
    public void Layer_norms_agree(KernelSet set, long rows, long width, long clips) =>
        Agree(set, x => F.LayerNorm(x[0], x[1], x[2], 1e-6), [clips, rows, width + 3], [width + 3], [width + 3]);

    [Theory]
    [MemberData(nameof(Maps))]
    public void Cosine_losses_agree(KernelSet set, long rows, long width, long clips) => Agree(
        set, x => F.CosineLoss(x[0], x[0].Detach() * x[0].Detach()) * (clips * rows), [clips, rows, width + 1]);

    [Theory]
    [MemberData(nameof(Maps))]
    public void Norms_with_a_gelu_behind_them_agree(KernelSet set, long rows, long width, long clips)
    {
        Agree(set, x => F.NormGelu(x[0], null, 1e-5), [clips, rows, width + 3]);
        Agree(set, x => F.NormGelu(x[0], x[1], 1e-5), [clips, rows, width + 3], [clips, rows, width + 3]);
    }

    [Theory]
    [MemberData(nameof(EverySet))]
    public void Gelu_ends_in_zero_and_in_its_argument(KernelSet set) =>
        AgreeAsBranches(set, x => MlpBranch([x[0], x[1] * 30, .. x[2..]]), [1, 5, 12], [12], [12], [12, 12], [12], [12, 12], [12]);

    [Theory]
    [MemberData(nameof(EverySet))]
    public void Scores_far_apart_choose_one_token(KernelSet set)
    {
        // Queries and keys are ten times the tokens, four unit vectors less their mean: every token sees itself alone, at e^-267 for the others.
        float[] identity = [.. Enumerable.Range(0, 16).Select(i => i % 5 == 0 ? 1f : 0)];
        TorchRuntime.Kernels = set;
        using var scope = new TensorScope();
        Tensor x = Tensor.From(identity, 1, 4, 4), ones = Tensor.From([1f, 1, 1, 1], 4), zeros = Tensor.From(new float[4], 4);
        Tensor weight = Tensor.From([.. identity.Select(value => 10 * value), .. identity.Select(value => 10 * value), .. identity], 12, 4);
        Tensor bias = Tensor.From(new float[12], 12);
        bias.RequireGradient();
        using (Precision(set))
        {
            Tensor seen = F.AttentionBranch(x, ones, zeros, weight, bias, Tensor.From(identity, 4, 4), zeros, 1, 1e-6);
            float[] expected = (x + F.LayerNorm(x, ones, zeros, 1e-6)).ToArray<float>();
            Assert.All(expected.Zip(seen.ToArray<float>()), pair => Assert.Equal(pair.First, pair.Second, set == KernelSet.Avx512Bf16 ? 0.01 : 1e-5));
            seen.Sum().Backward();
        }
        float[] gradients = bias.Gradient!.ToArray<float>(); // of queries, keys and values
        Assert.All(gradients[..8], gradient => Assert.Equal(0, gradient, 1e-4));
        Assert.All(gradients[8..], gradient => Assert.Equal(4, gradient, 1e-4));
    }

    [Theory]
    [MemberData(nameof(EverySet))]
    public void What_is_not_a_number_stays_so(KernelSet set)
    {
        TorchRuntime.Kernels = set;
        using var scope = new TensorScope();
        float[] values = Values([1, 3, 6], 0);
        values[8] = float.NaN; // in the second row
        Tensor x = Tensor.From(values, 1, 3, 6), zero = Tensor.From(new float[6], 6), weight = Tensor.From(Values([6, 6], 1), 6, 6);
        using IDisposable? half = Precision(set);
        foreach (Tensor y in (Tensor[])[F.Linear(x, weight, zero), MlpBranch([x, zero, zero, weight, zero, weight, zero]), F.LayerNorm(x, zero, zero, 1e-6)])
            Assert.Equal([false, true, false], y.To(DType.Float32).ToArray<float>().Chunk(6).Select(row => row.Any(float.IsNaN)));
        Tensor seen = AttentionBranch([x, zero, zero, Tensor.From(Values([18, 6], 2), 18, 6), Tensor.From(new float[18], 18), weight, zero], heads: 1);
        Assert.All(seen.ToArray<float>().Chunk(6), token => Assert.Contains(token, float.IsNaN));
    }

    [Theory]
    [MemberData(nameof(EverySet))]
    public void Values_may_lie_anywhere_in_memory(KernelSet set)
    {
        TorchRuntime.Kernels = set;
        using var scope = new TensorScope();
        long[][] shapes = [[2, 19, 26], [26], [26], [50, 26], [50], [26, 50], [26]];
        Tensor[] aligned = [.. shapes.Select((shape, i) => Tensor.From(Values(shape, i), shape))];
        Tensor[] shifted = [.. shapes.Select((shape, i) =>
        {
            float[] values = Values(shape, i);
            return Tensor.From([0f, .. values], values.Length + 1).Narrow(0, 1, values.Length).View(shape);
        })];
        using IDisposable? half = Precision(set);
        Assert.Equal(MlpBranch(aligned).ToArray<float>(), MlpBranch(shifted).ToArray<float>());
    }

    [Fact]
    public void A_backward_pass_outlives_a_change_of_kernels()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.From(Values([1, 5, 8], 0), 1, 5, 8), weight = Tensor.From(Values([8, 8], 1), 8, 8), bias = Tensor.From(Values([8], 2), 8);
        x.RequireGradient();
        Tensor y = F.Linear(x, weight, bias);
        TorchRuntime.Kernels = KernelSet.Off;
        y.Sum().Backward();
        float[] expected = [.. Enumerable.Range(0, 8).Select(column => Values([8, 8], 1).Chunk(8).Sum(row => row[column]))];
        Assert.All(x.Gradient!.ToArray<float>().Chunk(8), row => Assert.All(row.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-5)));
    }

    [Theory]
    [MemberData(nameof(EverySet))]
    public void Parameters_of_another_shape_are_refused(KernelSet set)
    {
        TorchRuntime.Kernels = set;
        using var scope = new TensorScope();
        long[][] linear = [[1, 3, 4], [6, 4], [6]], norm = [[1, 3, 4], [4], [4]];
        long[][] attention = [[1, 3, 4], [4], [4], [12, 4], [12], [4, 4], [4]], mlp = [[1, 3, 4], [4], [4], [8, 4], [8], [4, 8], [4]];
        using IDisposable? half = Precision(set);
        RefuseOthers(x => F.Linear(x[0], x[1], x[2]), linear);
        RefuseOthers(x => F.LayerNorm(x[0], x[1], x[2], 1e-6), norm);
        RefuseOthers(x => AttentionBranch(x, heads: 2), attention);
        RefuseOthers(MlpBranch, mlp);

        // Each shape in turn a row or a value too long: a kernel would read what lies behind the others.
        static void RefuseOthers(Func<Tensor[], Tensor> function, long[][] shapes)
        {
            Tensor[] Inputs(int longer) => [.. shapes.Select((shape, i) => i == longer ? [.. shape[..^1], shape[^1] + 2] : shape).Select(shape => Tensor.From(Values(shape, 0), shape))];
            _ = function(Inputs(-1));
            Assert.All(Enumerable.Range(0, shapes.Length), i => Assert.Throws<TorchException>(() => function(Inputs(i))));
        }
    }

    [Fact]
    public void Kernels_that_the_processor_lacks_are_refused()
    {
        Assert.Throws<TorchException>(() => TorchRuntime.Kernels = TorchRuntime.BestKernels + 1);
        Assert.Throws<TorchException>(() => TorchRuntime.Kernels = (KernelSet)(-1));
        Assert.Equal(TorchRuntime.BestKernels, TorchRuntime.Kernels);
    }

    [Fact]
    public void Results_do_not_depend_on_the_number_of_threads()
    {
        int threads = TorchRuntime.Threads;
        try
        {
            foreach (KernelSet set in Sets.Where(set => set != KernelSet.Off)) // ATen promises no such thing
            {
                float[][][] results = [.. new[] { 1, 2, 3 }.Select(count =>
                {
                    TorchRuntime.Threads = count;
                    using var scope = new TensorScope();
                    return Differentiate<float>(
                        set, x => MlpBranch([AttentionBranch(x[..7], heads: 4), .. x[7..]]),
                        [3, 150, 48], [48], [48], [144, 48], [144], [48, 48], [48], [48], [48], [192, 48], [192], [48, 192], [48]);
                })];
                for (int i = 0; i < results[0].Length; i++)
                {
                    Assert.Equal(results[0][i], results[1][i]);
                    Assert.Equal(results[0][i], results[2][i]);
                }
            }
        }
        finally
        {
            TorchRuntime.Threads = threads;
        }
    }

    [Theory]
    [MemberData(nameof(Maps))]
    public void Gradients_in_bfloat16_are_those_in_float32_rounded(KernelSet set, long rows, long inputs, long outputs)
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.From(Values([1, rows, inputs], 0), 1, rows, inputs);
        float[] Gradients(DType type) => GradientsOfParameters(
            set, type, p => F.Linear(F.LayerNorm(MlpBranch([AttentionBranch([x, .. p[..6]], 1), .. p[6..12]]), p[12], p[13], 1e-6), p[14], p[15]),
            [inputs], [inputs], [3 * inputs, inputs], [3 * inputs], [inputs, inputs], [inputs],
            [inputs], [inputs], [outputs, inputs], [outputs], [inputs, outputs], [inputs],
            [inputs], [inputs], [outputs, inputs], [outputs]);

        float[] wide = Gradients(DType.Float32);
        Assert.Equal(Rounded(wide), Gradients(DType.BFloat16));
        Assert.Contains(wide, gradient => gradient != 0);
    }

    [Theory]
    [MemberData(nameof(EverySet))]
    public void Gradients_round_to_the_nearest_ties_to_even_and_what_is_no_number_stays_none(KernelSet set)
    {
        const float Half = 1 / 256f; // of the step from 1 to the next bfloat16
        float[] values =
        [
            1, 1 + Half, 1 + 3 * Half, -1 - Half, 1 + Half + Half * Half, 255.5f, 0.1f, -0.1f, 0, -0f, 1e-30f, 3e38f, float.MaxValue, float.PositiveInfinity, float.NegativeInfinity,
            float.NaN, BitConverter.UInt32BitsToSingle(0x7FFFFFFF), BitConverter.UInt32BitsToSingle(0xFFFFFFFF),
        ];
        using var scope = new TensorScope();
        Tensor x = Tensor.From(values, 1, 1, values.Length);
        float[] Gradients(DType type) => GradientsOfParameters(set, type, p => F.Linear(x, p[0], p[1]), [2, values.Length], [2])[..values.Length]; // those of a row of weights are x

        float[] wide = Gradients(DType.Float32), narrow = Gradients(DType.BFloat16);
        Assert.Equal(Rounded(wide), narrow);
        Assert.Equal(Rounded(values), narrow);
    }

    [Theory]
    [InlineData(DType.Float32, 1e-6)]
    [InlineData(DType.BFloat16, 0.02)] // eight roundings to 8 bits
    public void Parameters_with_a_gradient_are_added_to_in_place(DType gradientType, double tolerance)
    {
        using var parameters = new ParameterSet();
        Parameter weight = parameters.Add("w", static (values, _) => values.Fill(0.5f), 4, 4), bias = parameters.Add("b", static (values, _) => values.Fill(1), 4);
        parameters.LayOut(Device.Cpu, trained: true, gradientType);
        using var scope = new TensorScope();
        Tensor x = Tensor.From(Values([2, 3, 4], 0), 2, 3, 4);
        float[] once = [];
        for (int repeat = 1; repeat <= 2; repeat++)
        {
            MlpBranch([x, bias, bias, weight, bias, weight, bias]).Sum().Backward();
            float[] gradients = parameters.Gradients.To(DType.Float32).ToArray<float>();
            once = repeat == 1 ? gradients : once;
            Assert.All(gradients.Zip(once), pair => Assert.Equal(pair.Second * repeat, pair.First, tolerance * once.Max(MathF.Abs)));
        }
        Assert.Contains(once, value => value != 0);
    }

    private static Tensor MlpBranch(Tensor[] x) => F.MlpBranch(x[0], x[1], x[2], x[3], x[4], x[5], x[6], 1e-6);

    private static Tensor AttentionBranch(Tensor[] x, int heads) => F.AttentionBranch(x[0], x[1], x[2], x[3], x[4], x[5], x[6], heads, 1e-6);

    private static void Agree(KernelSet set, Func<Tensor[], Tensor> function, params long[][] shapes) => Agree(set, HalfPrecision, function, shapes);

    private static void AgreeAsBranches(KernelSet set, Func<Tensor[], Tensor> function, params long[][] shapes) => Agree(set, HalfPrecisionOfBranches, function, shapes);

    private static void Agree(KernelSet set, double halfPrecision, Func<Tensor[], Tensor> function, long[][] shapes)
    {
        using var scope = new TensorScope();
        float[][] actual = Differentiate<float>(set, function, shapes), expected = Differentiate<double>(KernelSet.Off, function, shapes);
        for (int i = 0; i < expected.Length; i++)
        {
            double largest = Math.Max(expected[i].Max(MathF.Abs), 0.1), difference = expected[i].Zip(actual[i], (a, b) => Math.Abs((double)a - b)).Max();
            Assert.True(difference <= (set == KernelSet.Avx512Bf16 ? halfPrecision : SinglePrecision) * largest, $"{(i == 0 ? "value" : $"gradient {i - 1}")}: {difference:G3} of {largest:G3}");
        }
    }

    /// <summary>The values of the function and the gradients of all its inputs, for a sum with varied weights.</summary>
    private static float[][] Differentiate<T>(KernelSet set, Func<Tensor[], Tensor> function, params long[][] shapes) where T : unmanaged
    {
        DType type = typeof(T) == typeof(double) ? DType.Float64 : DType.Float32;
        Tensor[] inputs = [.. shapes.Select((shape, i) => Tensor.From(Values(shape, i), shape).To(type).Detach())];
        foreach (Tensor input in inputs)
            input.RequireGradient();
        TorchRuntime.Kernels = set;
        Tensor value;
        using (Precision(set))
            value = function(inputs);
        Tensor wide = value.To(type);
        (wide * Tensor.From(Values(wide.Shape, 99), wide.Shape).To(type)).Sum().Backward();
        return [.. inputs.Select(input => input.Gradient!).Prepend(wide.Detach()).Select(tensor => tensor.To(DType.Float32).ToArray<float>())];
    }

    /// <summary>The gradients of all parameters of a function, added up in a type, for the sum of its values.</summary>
    private static float[] GradientsOfParameters(KernelSet set, DType type, Func<Tensor[], Tensor> function, params long[][] shapes)
    {
        using var parameters = new ParameterSet();
        Parameter[] p = [.. shapes.Select((shape, i) => parameters.Add($"p{i}", (values, _) => Values(shape, i + 1).CopyTo(values), shape))];
        parameters.LayOut(Device.Cpu, trained: true, type);
        TorchRuntime.Kernels = set;
        using var scope = new TensorScope();
        Tensor value;
        using (Precision(set))
            value = function([.. p.Select(parameter => parameter.Value)]);
        value.To(DType.Float32).Sum().Backward();
        return parameters.Gradients.To(DType.Float32).ToArray<float>();
    }

    /// <summary>The values as bfloat16 keeps them.</summary>
    private static float[] Rounded(float[] values) => Tensor.From(values, values.Length).To(DType.BFloat16).To(DType.Float32).ToArray<float>();

    /// <summary>The last set is like the one before it, but for bfloat16.</summary>
    private static IDisposable? Precision(KernelSet set) => set == KernelSet.Avx512Bf16 ? TorchRuntime.Autocast(Device.Cpu) : null;

    /// <summary>Values between -1 and 1 in no visible order.</summary>
    private static float[] Values(long[] shape, int seed)
    {
        var values = new float[shape.Aggregate(1L, (count, size) => count * size)];
        for (int i = 0; i < values.Length; i++)
            values[i] = (int)(BitOperations.RotateLeft((uint)(i + 1) * 0x9E3779B1u ^ (uint)seed * 0x85EBCA77u, 13) * 0xC2B2AE3Du) / (float)(1u << 31);
        return values;
    }
}

/// <summary>The same with bfloat16 multiplied the other way than this processor prefers: in pairs, or each half as a float32.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public sealed class OtherBf16KernelTests : KernelTests
{
    private readonly bool preferred = TorchRuntime.MultipliesPairs;

    public OtherBf16KernelTests() => TorchRuntime.MultipliesPairs = !preferred;

    public override void Dispose()
    {
        TorchRuntime.MultipliesPairs = preferred;
        base.Dispose();
    }
}
