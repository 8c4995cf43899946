using OtoMask.Geometry;
using OtoMask.Models;
using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.Tests.Models;

/// <summary>What M2D predicts where it is the mean of several blocks of the target network.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public class TargetLayersTests
{
    private static readonly ModelShape Shape = new(new InputGeometry(16, 64, 16, 8), new BlockShape(32, 3, 2), new BlockShape(32, 1, 2));

    [Fact]
    public void The_last_block_alone_is_the_rule()
    {
        using var scope = new TensorScope();
        using MaskedModel model = KnownFrameworks.M2d.CreateModel(Shape, seed: 5, Device.Cpu);
        PatchBatch batch = Batch();
        float rule = Loss(model, batch);
        model.TargetLayers = TargetLayers.Parse("3");
        Assert.Equal(rule, Loss(model, batch));
        model.TargetLayers = TargetLayers.All(3);
        Assert.NotEqual(rule, Loss(model, batch));
    }

    [Theory]
    [InlineData("1", 0, 0)]
    [InlineData("2", 1, 1)]
    [InlineData("1,2", 0, 1)]
    public void The_mean_of_blocks_is_normalised(string layers, int one, int other)
    {
        using var scope = new TensorScope();
        using var parameters = new ParameterSet();
        var stack = new BlockStack(parameters, new Initial(9), "blocks", "norm", new BlockShape(32, 3, 2));
        parameters.LayOut(Device.Cpu, trained: false);
        Tensor x = Random(2, 7, 32);
        IReadOnlyList<Tensor> every = stack.ForwardEveryLayer(x); // of which only the last is normalised
        Tensor mean = F.LayerNorm((every[one] + every[other]) * 0.5, LayerNorm.Epsilon); // gain 1, offset 0 at first
        float[] expected = mean.ToArray<float>(), actual = stack.ForwardMean(x, TargetLayers.Parse(layers)).ToArray<float>();
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    private static float Loss(MaskedModel model, PatchBatch batch)
    {
        using var scope = new TensorScope();
        return model.Loss(batch).Total.ToArray<float>()[0];
    }

    private static PatchBatch Batch()
    {
        Tensor ids = Tensor.Range(Device.Cpu, Shape.PatchCount).View(1, Shape.PatchCount).Expand(2, Shape.PatchCount);
        return new PatchBatch(Random(2, 3, Shape.PatchSize), ids.Narrow(1, 0, 3), Random(2, 5, Shape.PatchSize), ids.Narrow(1, 3, 5), null);
    }

    private static Tensor Random(int clips, int tokens, int width)
    {
        var values = new float[clips * tokens * width];
        new RandomStream(3, RandomPurpose.Mask, 0, tokens).FillNormal(values, 1);
        return Tensor.Send(Device.Cpu, values, clips, tokens, width);
    }
}
