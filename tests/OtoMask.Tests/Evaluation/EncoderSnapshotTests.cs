using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Models;
using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public class EncoderSnapshotTests
{
    private static readonly InputGeometry Input = new(80, 48, 16, 8);
    private static readonly NormalisationStatistics Statistics = new(-7.1f, 4.2f);

    [Fact]
    public void EncodesAnyLengthAsOneClipAtATimeByHand()
    {
        using EncoderSnapshot encoder = Untrained(1);
        int[] lengths = [1, 8, 9, 47, 48, 49, 96, 97, 150, 48, 8];
        LogMel[] clips = [.. lengths.Select((frames, i) => Clip(frames, i))];
        IReadOnlyList<FrameEmbeddings> encoded = encoder.Encode(clips);
        for (int i = 0; i < clips.Length; i++)
        {
            float[] expected = ByHand(encoder, clips[i]);
            Assert.Equal(((lengths[i] + 7) / 8, 5 * 16), (encoded[i].Frames, encoded[i].Width));
            Assert.Equal(expected.Length, encoded[i].Values.Length);
            for (int v = 0; v < expected.Length; v++)
                Assert.Equal(expected[v], encoded[i].Values[v], 1e-5f);
        }
    }

    [Fact]
    public void EveryLayerStandsBesideTheLast()
    {
        using EncoderSnapshot encoder = Untrained(1);
        LogMel[] clips = [Clip(48, 0), Clip(101, 1)];
        IReadOnlyList<FrameEmbeddings> all = encoder.Encode(clips, EncoderLayers.All), last = encoder.Encode(clips);
        int width = encoder.EmbeddingWidth;
        Assert.Equal((2, 2 * width), (encoder.Depth, encoder.WidthOf(EncoderLayers.All)));
        foreach ((FrameEmbeddings both, FrameEmbeddings one) in all.Zip(last))
        {
            Assert.Equal((one.Frames, 2 * width), (both.Frames, both.Width));
            for (int i = 0; i < one.Values.Length; i++)
                Assert.Equal(one.Values[i], both.Values[i / width * 2 * width + width + i % width], 1e-6f);
        }

        // The first layer of a whole input, by hand: raw, not normalised.
        float[] first = ByHand(encoder, clips[0], patches => encoder.Encoder.EncodeEveryLayer(patches.Values, patches.Ids)[0]);
        for (int i = 0; i < first.Length; i++)
            Assert.Equal(first[i], all[0].Values[i / width * 2 * width + i % width], 1e-5f);
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(64)]
    public void HowManyChunksGoTogetherChangesNothing(int chunksAtOnce)
    {
        using EncoderSnapshot encoder = Untrained(1);
        LogMel[] clips = [Clip(48, 0), Clip(200, 1), Clip(20, 2), Clip(20, 3)];
        foreach ((FrameEmbeddings expected, FrameEmbeddings actual) in encoder.Encode(clips).Zip(encoder.Encode(clips, chunksAtOnce: chunksAtOnce)))
            Assert.Equal(expected.Values, actual.Values);
    }

    [Fact]
    public void FollowsTheWeightsOfALiveModel()
    {
        using MaskedModel owner = KnownFrameworks.MsmMae.CreateModel(new ModelShape(Input, new BlockShape(16, 2, 2), new BlockShape(4, 1, 1)), seed: 1, Device.Cpu);
        var live = new EncoderSnapshot(owner.Frozen, Statistics, LogMelSettings.Default);
        float[] before = live.Encode(Clip(48, 0)).Values;
        using (TorchRuntime.NoGrad())
            owner.Trained.Values.ScaleInto(1.5);
        Assert.NotEqual(before, live.Encode(Clip(48, 0)).Values);
    }

    [Fact]
    public void UntrainedTwinsDifferBySeedAlone()
    {
        using EncoderSnapshot encoder = Untrained(1), same = encoder.Untrained(1), other = encoder.Untrained(2);
        Assert.Equal(encoder.Encode(Clip(48, 0)).Values, same.Encode(Clip(48, 0)).Values);
        Assert.NotEqual(encoder.Encode(Clip(48, 0)).Values, other.Encode(Clip(48, 0)).Values);
    }

    [Fact]
    public void EmbedsAsTheMeanOverTime()
    {
        using EncoderSnapshot encoder = Untrained(1);
        LogMel[] clips = [Clip(48, 0), Clip(30, 1)];
        var embedding = new EncoderEmbedding(encoder, "untrained");
        var rows = new float[2 * embedding.Width];
        embedding.Embed(clips, rows);
        FrameEmbeddings second = encoder.Encode(clips[1]);
        for (int d = 0; d < embedding.Width; d++)
            Assert.Equal(Enumerable.Range(0, second.Frames).Average(t => second.Values[t * second.Width + d]), rows[embedding.Width + d], 1e-5f);
    }

    [Fact]
    public void RefusesWhatDoesNotFit()
    {
        using EncoderSnapshot encoder = Untrained(1);
        Assert.Throws<ArgumentException>(() => new EncoderSnapshot(encoder.Encoder, Statistics, LogMelSettings.Default with { Bands = 40 }));
        Assert.Throws<ArgumentException>(() => encoder.Encode(new LogMel(40, 48, new float[40 * 48])));
    }

    [Fact]
    public void HealthTellsANoisyEncoderFromACollapsedOne()
    {
        using EncoderSnapshot encoder = Untrained(1);
        var health = new HealthEvaluation([.. Enumerable.Range(0, 12).Select(i => Clip(48, i))]);
        Dictionary<string, double> noisy = health.Run(encoder).ToDictionary(pair => pair.Metric, pair => pair.Value);
        Assert.InRange(noisy["rankme"], 3, 16);

        using (TorchRuntime.NoGrad())
        {
            foreach (Parameter parameter in encoder.Encoder.Parameters)
                parameter.Value.ZeroInto();
        }
        Dictionary<string, double> collapsed = health.Run(encoder).ToDictionary(pair => pair.Metric, pair => pair.Value);
        Assert.Equal(1, collapsed["rankme"], 1e-6);
        Assert.Equal(1, collapsed["cev_auc"], 1e-6);
    }

    private static EncoderSnapshot Untrained(ulong seed) =>
        EncoderSnapshot.Untrained(new BlockShape(16, 2, 2), Input, Statistics, LogMelSettings.Default, seed, Device.Cpu);

    private static LogMel Clip(int frames, int index)
    {
        var random = new RandomStream(9, RandomPurpose.Crop, 0, index);
        return new LogMel(80, frames, [.. Enumerable.Range(0, 80 * frames).Select(_ => (float)(-7 + 4 * random.NextNormal()))]);
    }

    // docs/method.md section 7, one chunk and one patch at a time.
    private static float[] ByHand(EncoderSnapshot encoder, LogMel clip) => ByHand(encoder, clip, patches => encoder.Encoder.Encode(patches.Values, patches.Ids));

    private static float[] ByHand(EncoderSnapshot encoder, LogMel clip, Func<(Tensor Values, Tensor Ids), Tensor> encode)
    {
        List<float> frames = [];
        for (int first = 0; first < clip.Frames; first += 48)
        {
            int columns = (Math.Min(48, clip.Frames - first) + 7) / 8;
            List<float> patches = [];
            List<long> ids = [];
            for (int f = 0; f < 5; f++)
            {
                for (int t = 0; t < columns; t++)
                {
                    ids.Add(f * 6 + t);
                    for (int i = 0; i < 16 * 8; i++)
                    {
                        (int band, int frame) = (f * 16 + i / 8, first + t * 8 + i % 8);
                        patches.Add(frame < clip.Frames ? (clip.Values[band * clip.Frames + frame] + 7.1f) / 4.2f : 0);
                    }
                }
            }
            using IDisposable frozen = TorchRuntime.NoGrad();
            using var scope = new TensorScope();
            float[] tokens = encode((Tensor.From(patches.ToArray(), 1, ids.Count, 128), Tensor.From(ids.ToArray(), 1, ids.Count))).ToArray<float>();
            for (int t = 0; t < columns; t++)
            {
                for (int f = 0; f < 5; f++)
                    frames.AddRange(tokens.AsSpan((1 + f * columns + t) * 16, 16));
            }
        }
        return [.. frames];
    }
}
