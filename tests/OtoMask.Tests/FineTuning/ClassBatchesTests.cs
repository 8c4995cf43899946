using OtoMask.Data;
using OtoMask.FineTuning;
using OtoMask.Geometry;

namespace OtoMask.Tests.FineTuning;

[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public sealed class ClassBatchesTests : IDisposable
{
    private readonly FineTuningFolder data = new();

    [Fact]
    public void Batches_depend_on_neither_threads_nor_where_reading_begins()
    {
        ClassBatch[] one = Batches(data.Config with { Workers = 1 }, 0, 9), three = Batches(data.Config with { Workers = 3 }, 0, 9), late = Batches(data.Config, 4, 9);
        foreach ((ClassBatch expected, ClassBatch actual) in one.Zip(three).Concat(one[4..].Zip(late)))
        {
            Assert.Equal(expected.Ids, actual.Ids);
            Assert.Equal(expected.Patches, actual.Patches);
            Assert.Equal(expected.Targets, actual.Targets);
        }
        Assert.NotEqual(one[0].Patches[..256], one[3].Patches[..256]); // the next epoch begins with another batch
    }

    [Fact]
    public void Patch_out_leaves_whole_rows_and_columns_away_as_many_of_every_clip()
    {
        var counts = new HashSet<int>();
        foreach (ClassBatch batch in Batches(data.Config with { PatchOut = 0.5 }, 0, 30))
        {
            int given = batch.Ids.Length / batch.Clips;
            counts.Add(given);
            Assert.Equal(batch.Ids.Length * 256, batch.Patches.Length);
            foreach (long[] ids in batch.Ids.Chunk(given))
            {
                var grid = new PatchGrid(5, 3);
                long[] rows = [.. ids.Select(id => id / grid.Columns).Distinct()], columns = [.. ids.Select(id => id % grid.Columns).Distinct()];
                Assert.Equal(rows.SelectMany(row => columns.Select(column => row * grid.Columns + column)).Order(), ids);
            }
        }
        Assert.True(counts.Count > 1 && counts.Max() < 15, $"given: {string.Join(", ", counts)}");
        Assert.All(Batches(data.Config with { PatchOut = 0 }, 0, 3), batch => Assert.Equal(Enumerable.Range(0, 15).Select(id => (long)id), batch.Ids[..15]));
    }

    [Fact]
    public void Without_augmentations_a_batch_is_the_clips_themselves()
    {
        FineTuningConfig plain = data.Config with { Mixup = 0, FrequencyMask = 0, TimeMask = 0, ResizeCrop = false, PatchOut = 0, Seconds = 0.479 };
        ClassBatch[] batches = Batches(plain, 0, 3);
        Assert.All(batches.SelectMany(batch => batch.Targets), target => Assert.True(target is 0 or 1));
        Assert.Equal(21, batches.Sum(batch => batch.Targets.Sum()));
        // The tones are longer than the unit: an epoch later they are cropped elsewhere.
        Assert.Equal(Sorted(batches), Sorted(Batches(plain, 3, 6)), (x, y) => Math.Abs(x - y) < 0.5);

        static float[] Sorted(ClassBatch[] batches) => [.. batches.SelectMany(batch => batch.Patches.Chunk(15 * 256)).Select(clip => clip.Average()).Order()];
    }

    [Fact]
    public void A_clip_that_cannot_be_read_gives_its_place_to_the_next()
    {
        File.WriteAllText(data.Inside("3.wav"), "no audio");
        using FineTuningSetup setup = FineTuningFolder.Begin(data.Config with { Mode = FineTuningMode.SelectOnTest, Batch = 24 });
        using BatchReader<ClassBatch> reader = setup.Batches.Read(0, 2);
        Assert.Equal((24, 24), (reader.Next()!.Clips, reader.Next()!.Clips));
        Assert.Null(reader.Next());
        Assert.EndsWith("3.wav", Assert.Single(setup.BadFiles.ToList()).Path);
    }

    public void Dispose() => data.Dispose();

    private static ClassBatch[] Batches(FineTuningConfig config, long first, long end)
    {
        using FineTuningSetup setup = FineTuningFolder.Begin(config);
        using BatchReader<ClassBatch> reader = setup.Batches.Read(first, end);
        var batches = new List<ClassBatch>();
        while (reader.Next() is { } batch)
            batches.Add(batch);
        return [.. batches];
    }
}
