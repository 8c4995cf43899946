using OtoMask.Geometry;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Tests.Models;

/// <summary>Blocks that compute their activations twice: the same loss and the same gradients, to the bit.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class CheckpointedActivationsTests
{
    private const int Clips = 3, Visible = 9, Rows = 5, Columns = 6, Patch = 4;

    public static TheoryData<Framework, Precision, int> Cases()
    {
        var data = new TheoryData<Framework, Precision, int>();
        foreach (Framework framework in KnownFrameworks.All)
        {
            foreach (Precision precision in (Precision[])[Precision.Fp32, Precision.Bf16])
            {
                data.Add(framework, precision, 2);
                data.Add(framework, precision, 16); // heads of 3: too odd for the bfloat16 kernel, so ATen's operators under autocast
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Loss_and_gradients_are_the_same(Framework framework, Precision precision, int heads)
    {
        (double[] losses, float[] gradients) = Differentiate(framework, precision, heads, checkpoint: false);
        (double[] sameLosses, float[] sameGradients) = Differentiate(framework, precision, heads, checkpoint: true);
        Assert.Equal(losses, sameLosses);
        Assert.Equal(gradients, sameGradients);
        Assert.Contains(gradients, gradient => gradient != 0);
    }

    [Fact]
    public void Parameters_without_a_place_for_their_gradient_and_an_input_without_one_will_do()
    {
        using var scope = new TensorScope();
        long[][] shapes = [[8], [8], [24, 8], [24], [8, 8], [8], [8], [8], [32, 8], [32], [8, 32], [8]];
        Tensor x = Tensor.From(Wave(2 * 5 * 8), 2, 5, 8).To(DType.Float64);
        Tensor[] parameters = [.. shapes.Select(shape => Tensor.From(Wave(shape.Aggregate((a, b) => a * b)), shape).To(DType.Float64).Detach())];
        foreach (Tensor parameter in parameters)
            parameter.RequireGradient();
        F.CheckpointedBlock(x, parameters, 2, 1e-6).Sum().Backward();
        Assert.All(parameters, parameter => Assert.Contains(parameter.Gradient!.ToArray<double>(), gradient => gradient != 0));
        Assert.Null(x.Gradient);
    }

    [Fact]
    public void A_block_without_its_parameters_is_refused()
    {
        using var scope = new TensorScope();
        Tensor x = Tensor.From(Wave(8), 1, 1, 8);
        Assert.Contains("12 parameters, not 1", Assert.Throws<TorchException>(() => F.CheckpointedBlock(x, [x], 2, 1e-6)).Message);
    }

    /// <summary>Losses of two batches and the sum of their gradients.</summary>
    private static (double[] Losses, float[] Gradients) Differentiate(Framework framework, Precision precision, int heads, bool checkpoint)
    {
        var shape = new ModelShape(new InputGeometry(Rows * Patch, Columns * Patch, Patch, Patch), new(48, 3, heads), new(32, 2, 4));
        using MaskedModel model = framework.CreateModel(shape, seed: 5, Device.Cpu);
        model.CheckpointActivations = checkpoint;
        double[] losses = [.. new[] { 0, 1 }.Select(shift =>
        {
            using var scope = new TensorScope();
            Tensor loss;
            using (precision.On(Device.Cpu))
                loss = model.Loss(framework.ReadsWholeClip ? WholeBatch(shift) : Batch(shift)).Total;
            loss.Backward();
            return loss.Item();
        })];
        return (losses, model.Trained.Gradients.ToArray<float>());
    }

    private static PatchBatch Batch(int shift)
    {
        const int Masked = Rows * Columns - Visible;
        (Tensor Values, Tensor Ids) Part(int first, int count) => (
            Tensor.From(Wave(Clips * count * Patch * Patch), Clips, count, Patch * Patch),
            Tensor.From(Enumerable.Range(0, Clips * count).Select(i => (long)(first + i % count + shift) % (Rows * Columns)).ToArray(), Clips, count));
        (Tensor seen, Tensor seenIds) = Part(0, Visible);
        (Tensor hidden, Tensor hiddenIds) = Part(Visible, Masked);
        return new PatchBatch(seen, seenIds, hidden, hiddenIds);
    }

    /// <summary>Two clones of each clip.</summary>
    private static PatchBatch WholeBatch(int shift)
    {
        const int All = Rows * Columns;
        Tensor whole = Tensor.From(Wave(Clips * All * Patch * Patch), Clips, All, Patch * Patch);
        Tensor Ids(int first, int count) =>
            Tensor.From(Enumerable.Range(0, 2 * Clips * count).Select(i => (long)(first + i % count + shift) % All).ToArray(), 2 * Clips, count);
        return new PatchBatch((whole, whole), Ids(0, Visible), Ids(Visible, All - Visible), Tensor.From(Wave(2 * Clips * (All - Visible) * 48), 2 * Clips, All - Visible, 48));
    }

    private static float[] Wave(long count) => [.. Enumerable.Range(0, (int)count).Select(i => 0.5f * MathF.Sin(i + 1))];
}
