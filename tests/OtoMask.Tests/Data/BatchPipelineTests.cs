using FsCheck.Fluent;
using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Masking;

namespace OtoMask.Tests.Data;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class BatchPipelineTests : IDisposable
{
    private readonly SoundFolder folder = new();
    private readonly BadFiles badFiles = new();

    public void Dispose() => folder.Dispose();

    private static BatchOptions Options { get; } = new()
    {
        Geometry = InputGeometry.Parse("80x96", "16x16"),
        BatchSize = 4,
        Seed = 42,
        Normalisation = new NormalisationStatistics(-7, 4),
        Masking = KnownMaskings.Find("dwm").CreateDataStrategy(),
        MinClips = 0,
        Workers = 1,
    };

    /// <summary>Everything in a batch that the model sees.</summary>
    private sealed record Contents(int Epoch, int Step, int[] Clips, float[] Visible, long[] VisibleIds, float[] Masked, long[] MaskedIds, float[] Patches)
    {
        public static Contents Of(MaskedBatch batch) => new(batch.Epoch, batch.Step, batch.Clips.ToArray(),
            [.. batch.Visible], [.. batch.VisibleIds], [.. batch.Masked], [.. batch.MaskedIds], [.. batch.Patches]);

        public void AssertEquals(Contents other)
        {
            Assert.Equal((Epoch, Step), (other.Epoch, other.Step));
            Assert.Equal(Clips, other.Clips);
            Assert.Equal(VisibleIds, other.VisibleIds);
            Assert.Equal(MaskedIds, other.MaskedIds);
            Assert.Equal(Visible, other.Visible);
            Assert.Equal(Masked, other.Masked);
            Assert.Equal(Patches, other.Patches);
        }
    }

    private List<Contents> Read(ClipSource source, BatchOptions options, int epochs, int epoch = 0, int step = 0)
    {
        List<Contents> batches = [];
        using BatchReader<MaskedBatch> reader = new BatchPipeline(source, options, badFiles).Read(epoch, step, epochs);
        while (reader.Next() is { } batch)
        {
            using (batch)
                batches.Add(Contents.Of(batch));
        }
        return batches;
    }

    private static void AssertSame(List<Contents> expected, List<Contents> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        foreach ((Contents first, Contents second) in expected.Zip(actual))
            first.AssertEquals(second);
    }

    [Fact]
    public void Batches_do_not_depend_on_workers_prefetch_or_memory()
    {
        folder.AddClips(11).AddText("05a.wav", "bad");
        using ClipSource source = folder.Open();
        List<Contents> expected = Read(source, Options, epochs: 3);
        Assert.Equal(9, expected.Count);
        Prop.ForAll((from workers in Gen.Choose(1, 5) from prefetch in Gen.Choose(1, 6) from budget in Gen.Choose(0, 3) select (workers, prefetch, budget)).ToArbitrary(), @case =>
        {
            using ClipSource again = folder.Open(SoundFolder.Options with { MemoryBudget = @case.budget * 100_000 });
            AssertSame(expected, Read(again, Options with { Workers = @case.workers, Prefetch = @case.prefetch }, epochs: 3));
        }).QuickCheckThrowOnFailureIn(8);
    }

    [Fact]
    public void Reading_from_any_step_on_gives_what_reading_straight_gives()
    {
        using ClipSource source = folder.AddClips(9).Open();
        BatchOptions options = Options with { Workers = 2 };
        List<Contents> straight = Read(source, options, epochs: 3);
        Assert.Equal(6, straight.Count);
        for (int done = 0; done <= straight.Count; done++)
        {
            AssertSame(straight[done..], Read(source, options, 3, epoch: done / 2, step: done % 2));
            AssertSame(straight[done..], Read(source, options, 3, step: done));
        }
    }

    [Fact]
    public void An_epoch_holds_each_clip_once_in_an_order_of_its_own()
    {
        using ClipSource source = folder.AddClips(12).Open();
        List<Contents> batches = Read(source, Options, epochs: 4);
        int[][] epochs = [.. batches.GroupBy(batch => batch.Epoch).Select(epoch => epoch.SelectMany(batch => batch.Clips).ToArray())];
        Assert.Equal(4, epochs.Length);
        Assert.All(epochs, epoch => Assert.Equal(Enumerable.Range(0, 12), epoch.Order()));
        Assert.Equal(4, epochs.Select(epoch => string.Join(',', epoch)).Distinct().Count());
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(9, 2)]
    [InlineData(10, 4)]
    [InlineData(20, 6)]
    public void Small_sets_are_repeated_as_a_whole_and_a_last_partial_batch_is_dropped(int minClips, int steps)
    {
        using ClipSource source = folder.AddClips(9).Open();
        var pipeline = new BatchPipeline(source, Options with { MinClips = minClips }, badFiles);
        Assert.Equal(steps, pipeline.StepsPerEpoch);
        int[] draws = new EpochOrder(9, minClips, 42).Of(0);
        Assert.Equal(0, draws.Length % 9);
        Assert.Equal(Enumerable.Range(0, draws.Length), draws.Order());
    }

    [Fact]
    public void A_repeated_clip_and_a_later_epoch_have_crops_and_masks_of_their_own()
    {
        folder.Add("a.wav", 20, 1);
        using ClipSource source = folder.Open();
        List<Contents> batches = Read(source, Options with { MinClips = 8 }, epochs: 2);
        float[][] firstPatches = [.. batches.SelectMany(batch => batch.Masked.Chunk(batch.Masked.Length / 4))];
        Assert.Equal(16, firstPatches.Length);
        Assert.Equal(16, firstPatches.Select(values => values[0]).Distinct().Count());
        Assert.True(batches.SelectMany(batch => batch.MaskedIds.Chunk(batch.MaskedIds.Length / 4)).Select(ids => string.Join(',', ids)).Distinct().Count() > 12);
    }

    [Fact]
    public void A_batch_holds_the_normalised_patches_of_its_clips()
    {
        using ClipSource source = folder.AddClips(8).Open();
        Contents whole = Read(source, Options with { Masking = null }, epochs: 1)[0];
        Contents masked = Read(source, Options, epochs: 1)[0];
        Assert.Equal(whole.Clips, masked.Clips);
        Assert.Empty(whole.VisibleIds);
        Assert.Empty(masked.Patches);
        const int Patches = 30, Visible = 9, Size = 256;
        for (int clip = 0; clip < 4; clip++)
        {
            long[] visibleIds = masked.VisibleIds[(clip * Visible)..((clip + 1) * Visible)];
            long[] maskedIds = masked.MaskedIds[(clip * (Patches - Visible))..((clip + 1) * (Patches - Visible))];
            Assert.Equal(Enumerable.Range(0, Patches).Select(id => (long)id), visibleIds.Concat(maskedIds).Order());
            for (int i = 0; i < Visible; i++)
                Assert.Equal(whole.Patches.AsSpan((clip * Patches + (int)visibleIds[i]) * Size, Size), masked.Visible.AsSpan((clip * Visible + i) * Size, Size));
        }

        float[] window = new float[80 * 96], patches = new float[80 * 96];
        int first = whole.Clips[0];
        source.ReadCrop(first, new(42, OtoMask.Randomness.RandomPurpose.Crop, 0, first), 96, ShortClips.Silence, window);
        for (int i = 0; i < window.Length; i++)
            window[i] = (window[i] + 7) / 4;
        PatchCutter.Cut(window, 80, 96, 16, 16, patches);
        Assert.Equal(patches, whole.Patches[..patches.Length]);
    }

    [Fact]
    public void An_unmasked_batch_is_gathered_later_to_what_the_loader_would_have_made()
    {
        using ClipSource source = folder.AddClips(8).Open();
        Contents expected = Read(source, Options, epochs: 1)[0];
        using BatchReader<MaskedBatch> reader = new BatchPipeline(source, Options with { Masking = null }, badFiles).Read();
        using MaskedBatch batch = reader.Next()!;
        int clipSize = batch.Grid.Count * batch.PatchSize;
        IMaskingStrategy dwm = Options.Masking!;
        PatchMask[] masks = [.. Enumerable.Range(0, batch.Count).Select(clip =>
            dwm.Sample(new PatchView(batch.Grid, batch.PatchSize, batch.Patches.AsSpan(clip * clipSize, clipSize)), batch.ContextOf(clip)))];
        batch.Mask(masks);
        (float[] visible, float[] masked) = GatheredBatch.Of(batch);
        Contents gathered = Contents.Of(batch) with { Patches = [], Visible = visible, Masked = masked };
        expected.AssertEquals(gathered);
        Assert.Throws<InvalidOperationException>(() => batch.Mask(masks));
    }

    [Fact]
    public void Structured_masks_vary_between_batches_not_within()
    {
        using ClipSource source = folder.AddClips(12).Open();
        BatchOptions options = Options with { Masking = KnownMaskings.Find("structured").CreateDataStrategy(), MaskRatio = 0.5 };
        List<Contents> batches = Read(source, options, epochs: 6);
        Assert.True(batches.Select(batch => batch.VisibleIds.Length).Distinct().Count() > 1);
        Assert.All(batches, batch => Assert.Equal(4 * 30, batch.VisibleIds.Length + batch.MaskedIds.Length));
    }

    [Fact]
    public void Bad_files_among_good_are_replaced_counted_and_listed()
    {
        folder.AddClips(10).AddText("03.wav", "not sound").AddText("07.wav", "");
        using ClipSource source = folder.Open();
        List<Contents> batches = Read(source, Options, epochs: 2);
        Assert.Equal(4, batches.Count);
        Assert.All(batches.SelectMany(batch => batch.Clips), clip => Assert.DoesNotContain(clip, new[] { 3, 7 }));
        Assert.Equal([folder["03.wav"], folder["07.wav"]], badFiles.ToList().Select(file => file.Path));
        badFiles.WriteCsv(folder["bad.csv"]);
        string[] lines = File.ReadAllLines(folder["bad.csv"]);
        Assert.Equal("path,reason", lines[0]);
        Assert.Equal(3, lines.Length);
    }

    [Fact]
    public void When_every_file_is_bad_the_consumer_is_told_again_and_again()
    {
        folder.AddText("a.wav", "no").AddText("b.wav", "");
        using ClipSource source = folder.Open();
        using BatchReader<MaskedBatch> reader = new BatchPipeline(source, Options with { MinClips = 8, Workers = 3 }, badFiles).Read();
        for (int attempt = 0; attempt < 2; attempt++)
            Assert.Contains("none of the 2 clips", Assert.Throws<UserErrorException>(() => reader.Next()).Message);
    }

    [Fact]
    public void Cancelling_ends_a_waiting_consumer_and_the_threads()
    {
        using ClipSource source = folder.AddClips(4).Open();
        using var cancellation = new CancellationTokenSource();
        using var mayGoOn = new ManualResetEventSlim();
        BatchOptions slow = Options with { HintRatio = (_, _) => { mayGoOn.Wait(); return 0; } };
        using BatchReader<MaskedBatch> reader = new BatchPipeline(source, slow, badFiles).Read(cancellation: cancellation.Token);
        Task<MaskedBatch?> waiting = Task.Run(reader.Next);
        cancellation.Cancel();
        Assert.Throws<OperationCanceledException>(() => waiting.GetAwaiter().GetResult());
        mayGoOn.Set();
    }

    [Fact]
    public void A_failure_on_a_loader_thread_surfaces_at_its_batch()
    {
        using ClipSource source = folder.AddClips(4).Open();
        BatchOptions failing = Options with { Workers = 2, HintRatio = (epoch, _) => epoch == 2 ? throw new InvalidOperationException("epoch 2") : 0.5 };
        using BatchReader<MaskedBatch> reader = new BatchPipeline(source, failing, badFiles).Read();
        for (int epoch = 0; epoch < 2; epoch++)
        {
            using MaskedBatch batch = reader.Next()!;
            Assert.Equal((epoch, 0.5), (batch.Epoch, batch.HintRatio));
        }
        Assert.Equal("epoch 2", Assert.Throws<InvalidOperationException>(() => reader.Next()).Message);
    }

    [Fact]
    public void Times_are_told_and_arrays_are_used_again()
    {
        using ClipSource source = folder.AddClips(8).Open();
        using BatchReader<MaskedBatch> reader = new BatchPipeline(source, Options with { Prefetch = 1 }, badFiles).Read();
        var arrays = new HashSet<float[]>(ReferenceEqualityComparer.Instance as IEqualityComparer<float[]>);
        for (int step = 0; step < 50; step++)
        {
            using MaskedBatch batch = reader.Next()!;
            arrays.Add(batch.Visible);
            Assert.True(batch.MaskMilliseconds > 0);
        }
        Assert.InRange(arrays.Count, 1, 10);
        Assert.True(reader.Waited > TimeSpan.Zero);
    }

    [Fact]
    public void Impossible_options_are_refused()
    {
        using ClipSource source = folder.AddClips(3).Open();
        void Refuses(BatchOptions options, string said) =>
            Assert.Contains(said, Assert.Throws<UserErrorException>(() => new BatchPipeline(source, options, badFiles)).Message);
        Refuses(Options, "do not fill one batch of 4");
        Refuses(Options with { BatchSize = 0 }, "batch 0");
        Refuses(Options with { MaskRatio = 0 }, "mask ratio 0");
        Refuses(Options with { MaskRatio = 1 }, "mask ratio 1");
        Refuses(Options with { MaskRatio = double.NaN }, "mask ratio");
        Refuses(Options with { MaskRatio = 0.99 }, "leaves 0 of 30");
        Refuses(Options with { Geometry = InputGeometry.Parse("64x96", "16x16") }, "64 bands");
    }
}
