using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Tests.Pretraining;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Models;

/// <summary>A third objective, written as somebody outside would: it asks for two masks of a clip and the whole clip, and its loss has two parts.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class OwnFrameworkTests : IDisposable
{
    private readonly TrainingFolder data = new();

    private PretrainingConfig Config => data.Config with { Framework = new Twice(), Epochs = null, Steps = 6 };

    public void Dispose() => data.Dispose();

    [Theory]
    [InlineData("random", null), InlineData("dwm", null), InlineData("sgim", null), InlineData("dwm", "noise")]
    public void It_trains_with_every_kind_of_strategy_and_the_log_tells_its_parts(string mask, string? noise)
    {
        PretrainingConfig config = Config with { Mask = mask, Noise = noise is null ? null : data.Audio };
        IReadOnlyList<StepRecord> steps = Train("run", config), again = Train("again", config);
        Assert.Equal(6, steps.Count);
        Assert.All(steps, step =>
        {
            Assert.Equal(["patches", "level"], step.Parts.Select(part => part.Name));
            Assert.Equal(step.Loss, step.Parts.Sum(part => part.Value), 1e-5);
        });
        Assert.Equal(steps.SelectMany(step => step.Parts), again.SelectMany(step => step.Parts));
        Assert.NotEqual(steps[0].Loss, steps[^1].Loss);
    }

    [Fact]
    public void Its_batches_carry_the_patches_once_and_masks_of_a_clip_differ()
    {
        using TrainingSetup setup = TrainingSetup.Begin(Config, new RecordingObserver());
        using BatchReader<MaskedBatch> reader = setup.Pipeline((_, _) => 1).Read();
        using MaskedBatch batch = reader.Next()!;
        Assert.Empty(batch.Visible);
        Assert.Equal(batch.Count * batch.Grid.Count * batch.PatchSize, batch.Patches.Length);
        Assert.Equal(2 * batch.Count * batch.VisibleCount, batch.VisibleIds.Length);
        long[][] masks = [.. batch.VisibleIds.Chunk(batch.VisibleCount)];
        for (int clip = 0; clip < batch.Count; clip++)
            Assert.NotEqual(masks[2 * clip], masks[2 * clip + 1]);
        // Row clip * K + k holds the clip's own patches.
        (float[] visible, _) = Data.GatheredBatch.Of(batch);
        for (int row = 0; row < masks.Length; row++)
        {
            for (int i = 0; i < batch.VisibleCount; i++)
                Assert.Equal(
                    batch.Patches.AsSpan((row / 2 * batch.Grid.Count + (int)masks[row][i]) * batch.PatchSize, batch.PatchSize),
                    visible.AsSpan((row * batch.VisibleCount + i) * batch.PatchSize, batch.PatchSize));
        }
    }

    [Fact]
    public void What_looks_at_the_whole_clip_without_saying_so_is_told()
    {
        var batch = new PatchBatch(Tensor.Zeros(Device.Cpu, DType.Float32, 1, 1, 4), Tensor.Zeros(Device.Cpu, DType.Int64, 1, 1), Tensor.Zeros(Device.Cpu, DType.Float32, 1, 1, 4), Tensor.Zeros(Device.Cpu, DType.Int64, 1, 1));
        using var scope = new TensorScope();
        Assert.Contains("ReadsWholeClip", Assert.Throws<InvalidOperationException>(() => batch.Whole).Message);
        foreach (Tensor tensor in (Tensor[])[batch.Visible, batch.VisibleIds, batch.Masked, batch.MaskedIds])
            tensor.Dispose();
    }

    [Fact]
    public void A_name_that_is_taken_is_refused_and_one_that_nobody_added_is_named()
    {
        Assert.Throws<ArgumentException>(() => KnownFrameworks.Add(KnownFrameworks.M2d));
        Assert.Throws<ArgumentException>(() => KnownMaskings.Add(KnownMaskings.Find("dwm")));
        Assert.Throws<ArgumentException>(() => KnownMaskings.Add(new MaskingInfo { Name = "nothing-to-make", Summary = "", DependsOn = "nothing" }));
        RunFolder run = data.Train("run", Config);
        Assert.Contains("twice", Assert.Throws<UserErrorException>(() => Checkpoint.Read(run.Path)).Message);
    }

    [Fact]
    public void Precision_auto_is_measured_on_batches_as_it_wants_them()
    {
        using MaskedModel model = Config.Framework.CreateModel(Config.ModelShape, seed: 1, Device.Cpu);
        Assert.True(PrecisionChoice.Measure(model, Config.Batch, Config.VisiblePatches, Config.Clones).Fp32 > 0);
    }

    private List<StepRecord> Train(string name, PretrainingConfig config)
    {
        var observer = new RecordingObserver();
        RunFolder run = data.Train(name, config, observer: observer);
        Assert.Equal(observer.Steps.Select(step => step.Loss), RunLog.Read(run.Log).Steps.Select(step => step.Loss));
        Assert.Equal(observer.Steps.SelectMany(step => step.Parts), RunLog.Read(run.Log).Steps.SelectMany(step => step.Parts));
        return observer.Steps;
    }

    /// <summary>Predicts the values of the masked patches, as a masked autoencoder does, and the mean level of the whole clip.</summary>
    private sealed class Twice : Framework
    {
        public override string Name => "twice";

        public override string Title => "Twice";

        public override string FieldName => "twice";

        public override string DecoderName => "decoder";

        public override double MaskRatio => 0.8;

        public override int MasksPerClip => 2;

        public override bool ReadsWholeClip => true;

        public override BlockShape Decoder(string size) => new(96, 2, 3);

        public override int Outputs(ModelShape shape) => shape.PatchSize;

        public override bool Wrote(IReadOnlyDictionary<string, long[]> tensors, int width, int patchSize) => false;

        public override double Operations(ModelShape shape, int visible, int masks) => 0;

        protected override MaskedModel Declare(ModelShape shape, ulong seed) => new Model(this, shape, seed);

        private sealed class Model(Framework framework, ModelShape shape, ulong seed) : PatchPredictor(framework, shape, seed)
        {
            public override Losses Loss(PatchBatch batch)
            {
                using var scope = new TensorScope();
                Tensor predicted = Predict(batch).To(DType.Float32); // [B * 2, Lm, P]
                long clips = batch.Whole.Shape[0], masks = predicted.Shape[0] / clips;
                Tensor error = predicted - batch.Masked, level = predicted.Reshape(clips, masks * predicted.Shape[1] * predicted.Shape[2]).Mean(1);
                Tensor off = level - batch.Whole.Reshape(clips, batch.Whole.Shape[1] * batch.Whole.Shape[2]).Mean(1);
                Tensor patches = (error * error).Mean(), levels = (off * off).Mean();
                return new Losses(scope.Keep(patches + levels), ("patches", scope.Keep(patches)), ("level", scope.Keep(levels)));
            }
        }
    }
}
