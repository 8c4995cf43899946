using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Tests.Devices;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Models;

/// <summary>EAT against the reference implementation (fixtures README of eat, rows eat_*): our pre-norm encoder.</summary>
[Trait("Category", "Fixtures")]
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class EatFixtureTests
{
    private const int Height = 80, Width = 96, Patch = 16, Rows = Height / Patch, Columns = Width / Patch;
    private static readonly string[] Changed = ["blocks.0.attn.qkv.weight", "cls_token", "decoder.blocks.0.0.weight", "decoder.proj.bias", "target_blocks.1.mlp.fc1.weight", "target_patch_embed.proj.bias", "target_cls_token"];

    public static TheoryData<string> Devices => ["cpu", TestDevice.Another];

    [Theory]
    [MemberData(nameof(Devices))]
    public void What_teacher_and_student_say_agrees(string where)
    {
        using var scope = new TensorScope();
        using Eat model = Load(TestDevice.Named(where));
        PatchBatch batch = Batch(model.Device);
        IReadOnlyList<Tensor> mlps = model.TeacherMlps(batch.Whole);
        Agree("teacher_ffn", Tensor.Cat(0, [.. mlps.Select(mlp => mlp.Reshape([1, .. mlp.Shape]))]), 1e-5);
        Tensor targets = Eat.Targets(mlps), encoded = model.Student(batch);
        Agree("targets", targets, 1e-5);
        Agree("utterance_target", Eat.UtteranceTargets(targets), 1e-5);
        Agree("student_encoded", encoded, 1e-5);
        Agree("pred", model.Predict(encoded, batch), 1e-5);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Loss_and_gradients_agree(string where)
    {
        using var scope = new TensorScope();
        using Eat model = Load(TestDevice.Named(where));
        Losses losses = model.Loss(Batch(model.Device));
        AgreeLosses(losses, 5e-6, name => Fixture($"loss_{name}").Values[0]);
        losses.Total.Backward();
        foreach (string name in (string[])["patch_embed.proj.weight", "cls_token", "blocks.0.attn.qkv.weight", "blocks.2.norm2.bias", "decoder.blocks.0.0.weight", "decoder.blocks.1.0.bias", "decoder.proj.weight"])
            Agree($"grad_{name}", model.Trained.Parameters.Single(parameter => parameter.Name == name).Value.Gradient!, 1e-5);
        double norm = Fixture("gradnorm").Values[0];
        Assert.Equal(norm, model.Trained.Gradients.Norm().Item(), 1e-5 * norm);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Encoding_the_whole_clip_agrees(string where)
    {
        using var scope = new TensorScope();
        using Eat model = Load(TestDevice.Named(where));
        Tensor whole = Whole(model.Device);
        Tensor ids = Tensor.Range(model.Device, Rows * Columns).View(1, Rows * Columns).Expand(whole.Shape[0], Rows * Columns);
        Agree("encode_all", model.Frozen.Encode(whole, ids), 1e-5);
        Agree("encode_all", model.Frozen.EncodeEveryLayer(whole, ids)[^1], 1e-5);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Five_training_steps_agree(string where)
    {
        using var scope = new TensorScope();
        using Eat model = Load(TestDevice.Named(where));
        using var optimizer = new AdamW(model.Trained, weightDecay: 2.0, model.Followers);
        PatchBatch batch = Batch(model.Device);
        NpyArray expected = Fixture("train5_losses");
        for (int step = 0; step < 5; step++)
        {
            Losses losses = model.Loss(batch);
            AgreeLosses(losses, 1e-5, name => expected.Values[step * 3 + Array.IndexOf(["total", "frame", "utterance"], name)]);
            losses.Total.Backward();
            double norm = model.Trained.Gradients.Norm().Item();
            optimizer.Step(1e-3, Math.Min(1, 0.25 / (norm + 1e-6)), emaDecay: 0.99);
            if (step is 0 or 4)
            {
                foreach (string name in Changed)
                    Agree($"{(step == 0 ? "step1" : "train5")}_{name}", model.Parameters.Single(parameter => parameter.Name == name), 5e-5);
            }
        }
    }

    [Fact]
    public void Targets_of_some_layers_are_those_of_their_MLPs()
    {
        using var scope = new TensorScope();
        using Eat model = Load(Device.Cpu);
        Tensor whole = Whole(model.Device);
        IReadOnlyList<Tensor> all = model.TeacherMlps(whole);
        model.TargetLayers = TargetLayers.Parse("1,3");
        Assert.Equal([.. Eat.Targets([all[0], all[2]]).ToArray<float>()], Eat.Targets(model.TeacherMlps(whole)).ToArray<float>());
    }

    [Fact]
    public void The_teacher_begins_as_a_copy_and_follows_the_whole_encoder()
    {
        using MaskedModel model = KnownFrameworks.Eat.CreateModel(Shape, seed: 3, Device.Cpu);
        Assert.Equal(model.Frozen.Parameters.Select(parameter => "target_" + parameter.Name), model.Following.Parameters.Select(parameter => parameter.Name));
        foreach ((Parameter ours, Parameter theirs) in model.Frozen.Parameters.Zip(model.Following.Parameters))
            Assert.Equal(ours.Value.ToArray<float>(), theirs.Value.ToArray<float>());
        Assert.Equal(model.Following.Count, model.Followers.Sum(follower => follower.Count));
    }

    private static ModelShape Shape => new(new InputGeometry(Height, Width, Patch, Patch), new BlockShape(48, 3, 3), new BlockShape(32, 2, 16));

    private static Eat Load(Device device)
    {
        var model = (Eat)KnownFrameworks.Eat.CreateModel(Shape, seed: 1, device);
        string path = OtoMask.Tests.Fixture.InFolder("eat", "eat.pth");
        ModelWeights.Load(model, PyTorchCheckpoint.Read(path).Tensors, path);
        model.UtteranceWeight = 12; // 3 clips of 4 clones
        return model;
    }

    private static PatchBatch Batch(Device device)
    {
        Tensor whole = Whole(device);
        (Tensor visible, Tensor masked) = (Ids("ids_visible", device), Ids("ids_masked", device));
        NpyArray noise = Fixture("mask_noise");
        return new PatchBatch((whole, whole), visible, masked, Tensor.Send(device, noise.Values, visible.Shape[0], noise.Shape[2], noise.Shape[3]));
    }

    private static Tensor Whole(Device device)
    {
        NpyArray input = Fixture("input");
        int clips = input.Shape[0], size = Height * Width;
        var patches = new float[clips * size];
        for (int clip = 0; clip < clips; clip++)
            PatchCutter.Cut(input.Values.AsSpan(clip * size, size), Height, Width, Patch, Patch, patches.AsSpan(clip * size, size));
        return Tensor.Send(device, patches, clips, Rows * Columns, Patch * Patch);
    }

    /// <summary>[B, K, n] -> [B * K, n].</summary>
    private static Tensor Ids(string name, Device device)
    {
        NpyIntegerArray ids = NpyFile.ReadInt64(OtoMask.Tests.Fixture.InFolder("eat", $"eat_{name}.npy"));
        return Tensor.Send(device, ids.Values, ids.Shape[0] * ids.Shape[1], ids.Shape[2]);
    }

    private static NpyArray Fixture(string name) => NpyFile.Read(OtoMask.Tests.Fixture.InFolder("eat", $"eat_{name}.npy"));

    private static void AgreeLosses(Losses losses, double tolerance, Func<string, float> expected)
    {
        foreach ((string name, Tensor value) in losses.Parts.Prepend(("total", losses.Total)))
            Assert.Equal(expected(name), value.Item(), tolerance * expected(name));
    }

    private static void Agree(string name, Tensor actual, double tolerance) =>
        OtoMask.Tests.Fixture.AssertAgrees(name, Fixture(name).Values, actual.Detach().ToArray<float>(), tolerance);
}
