using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Tests.Devices;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Models;

/// <summary>Both frameworks against the reference implementation (fixtures README, rows m2d_* and msm_mae_*).</summary>
[Trait("Category", "Fixtures")]
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class ModelFixtureTests
{
    private const int Height = 80, Width = 96, Patch = 16, Rows = Height / Patch, Columns = Width / Patch;

    public static TheoryData<Framework, string> Frameworks => new()
    {
        { KnownFrameworks.M2d, "cpu" }, { KnownFrameworks.MsmMae, "cpu" },
        { KnownFrameworks.M2d, TestDevice.Another }, { KnownFrameworks.MsmMae, TestDevice.Another },
    };

    [Theory]
    [MemberData(nameof(Frameworks))]
    public void Loss_latent_and_gradients_agree(Framework framework, string where)
    {
        using var scope = new TensorScope();
        Device device = TestDevice.Named(where);
        using MaskedModel model = Load(framework, device);
        PatchBatch batch = Batch(framework, device);
        Agree(framework, "latent", model.Frozen.Encode(batch.Visible, batch.VisibleIds), 1e-5);
        Tensor loss = model.Loss(batch).Total;
        Assert.Equal(Fixture(framework, "loss").Values[0], loss.Item(), 5e-6);

        loss.Backward();
        foreach (string name in (string[])["cls_token", "mask_token", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight", "blocks.1.norm2.bias", "decoder_pred.weight"])
            Agree(framework, $"grad_{name}", model.Trained.Parameters.Single(parameter => parameter.Name == name).Value.Gradient!, 1e-5);
        double norm = Fixture(framework, "gradnorm").Values[0];
        Assert.Equal(norm, model.Trained.Gradients.Norm().Item(), 1e-5 * norm);
    }

    [Theory]
    [MemberData(nameof(Frameworks))]
    public void Encoding_the_whole_clip_agrees(Framework framework, string where)
    {
        using var scope = new TensorScope();
        Device device = TestDevice.Named(where);
        using MaskedModel model = Load(framework, device);
        (float[] patches, int clips) = Patches(framework);
        long[] ids = [.. Enumerable.Range(0, clips * Rows * Columns).Select(i => (long)(i % (Rows * Columns)))];
        Tensor encoded = model.Frozen.Encode(Tensor.Send(device, patches, clips, Rows * Columns, Patch * Patch), Tensor.Send(device, ids, clips, Rows * Columns));
        Agree(framework, "encode_all", encoded, 1e-5);
        Agree(framework, "encode_all", model.Frozen.EncodeEveryLayer(
            Tensor.Send(device, patches, clips, Rows * Columns, Patch * Patch), Tensor.Send(device, ids, clips, Rows * Columns))[^1], 1e-5);
    }

    [Theory]
    [MemberData(nameof(Frameworks))]
    public void Five_training_steps_agree(Framework framework, string where)
    {
        using var scope = new TensorScope();
        Device device = TestDevice.Named(where);
        using MaskedModel model = Load(framework, device);
        using var optimizer = new AdamW(model.Trained, weightDecay: 2.0, model.Followers);
        PatchBatch batch = Batch(framework, device);
        NpyArray losses = Fixture(framework, "train5_losses");
        for (int step = 0; step < 5; step++)
        {
            Tensor loss = model.Loss(batch).Total;
            Assert.Equal(losses.Values[step], loss.Item(), 5e-6);
            loss.Backward();
            double norm = model.Trained.Gradients.Norm().Item();
            optimizer.Step(1e-3, Math.Min(1, 0.25 / (norm + 1e-6)), emaDecay: 0.99);
        }
        string[] names = ["blocks.0.attn.qkv.weight", "decoder_pred.bias"];
        foreach (string name in framework == KnownFrameworks.M2d ? [.. names, "target_blocks.1.mlp.fc1.weight"] : names)
            Agree(framework, $"train5_{name}", model.Parameters.Single(parameter => parameter.Name == name), 2e-5, relative: false);
    }

    private static MaskedModel Load(Framework framework, Device device)
    {
        var shape = new ModelShape(new InputGeometry(Rows * Patch, Columns * Patch, Patch, Patch), new BlockShape(48, 2, 3), new BlockShape(32, 2, 4));
        MaskedModel model = framework.CreateModel(shape, seed: 1, device);
        string path = OtoMask.Tests.Fixture.Path($"{Prefix(framework)}.pth");
        ModelWeights.Load(model, PyTorchCheckpoint.Read(path).Tensors, path);
        return model;
    }

    private static PatchBatch Batch(Framework framework, Device device)
    {
        (float[] patches, int clips) = Patches(framework);
        long[] order = NpyFile.ReadInt64(OtoMask.Tests.Fixture.Path($"{Prefix(framework)}_ids_shuffle.npy")).Values;
        int count = Rows * Columns, keep = (int)NpyFile.ReadInt64(OtoMask.Tests.Fixture.Path($"{Prefix(framework)}_len_keep.npy")).Values[0];
        (Tensor Values, Tensor Ids) Pick(int start, int length)
        {
            long[] ids = [.. Enumerable.Range(0, clips).SelectMany(clip => order.AsSpan(clip * count + start, length).ToArray())];
            float[] values = [.. ids.SelectMany((id, i) => patches.AsSpan(((i / length * count) + (int)id) * Patch * Patch, Patch * Patch).ToArray())];
            return (Tensor.Send(device, values, clips, length, Patch * Patch), Tensor.Send(device, ids, clips, length));
        }
        (Tensor visible, Tensor visibleIds) = Pick(0, keep);
        (Tensor masked, Tensor maskedIds) = Pick(keep, count - keep);
        return new PatchBatch(visible, visibleIds, masked, maskedIds);
    }

    private static (float[] Patches, int Clips) Patches(Framework framework)
    {
        NpyArray input = Fixture(framework, "input");
        int clips = input.Shape[0], size = Height * Width;
        var patches = new float[clips * size];
        for (int clip = 0; clip < clips; clip++)
            PatchCutter.Cut(input.Values.AsSpan(clip * size, size), Height, Width, Patch, Patch, patches.AsSpan(clip * size, size));
        return (patches, clips);
    }

    private static NpyArray Fixture(Framework framework, string name) => NpyFile.Read(OtoMask.Tests.Fixture.Path($"{Prefix(framework)}_{name}.npy"));

    private static string Prefix(Framework framework) => framework == KnownFrameworks.M2d ? "m2d" : "msm_mae";

    private static void Agree(Framework framework, string name, Tensor actual, double tolerance, bool relative = true)
    {
        NpyArray expected = Fixture(framework, name);
        Assert.Equal(expected.Shape.Select(size => (long)size), actual.Shape);
        OtoMask.Tests.Fixture.AssertAgrees(name, expected.Values, actual.Detach().ToArray<float>(), tolerance, relative);
    }
}
