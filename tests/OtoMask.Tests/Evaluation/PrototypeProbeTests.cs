using OtoMask.Evaluation;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public class PrototypeProbeTests
{
    [Fact]
    public void More_clips_a_class_tell_more_and_all_of_them_what_their_means_tell()
    {
        using SyntheticTask task = SyntheticTask.Balanced(240, classes: 4);
        EmbeddedTask embedded = task.Embed(width: 8, distance: 0.8);
        PrototypeResult one = PrototypeProbe.Run(embedded, 1), five = PrototypeProbe.Run(embedded, 5), all = PrototypeProbe.Run(embedded, 1000, episodes: 3);
        Assert.True(one.Score.High < five.Score.Low && five.Score.High < all.Score.Value, $"{one.Score}, {five.Score}, {all.Score}");
        Assert.True(one.Score.Low > 25); // chance
        Assert.Equal(100 * ByMeans(embedded), all.Score.Value, 1e-9);
        Assert.False(all.Score.HasWidth); // always the same clips
    }

    [Fact]
    public void A_seed_decides_the_draws()
    {
        using SyntheticTask task = SyntheticTask.Balanced(80, classes: 4);
        EmbeddedTask embedded = task.Embed(width: 8, distance: 0.5);
        Assert.Equal(PrototypeProbe.Run(embedded, 2), PrototypeProbe.Run(embedded, 2));
        Assert.NotEqual(PrototypeProbe.Run(embedded, 2), PrototypeProbe.Run(embedded, 2, seed: 7));
        Assert.Equal(PrototypeProbe.DefaultEpisodes, PrototypeProbe.Run(embedded, 2).Episodes);
    }

    [Fact]
    public void Classes_without_clips_to_train_on_are_never_said_and_several_labels_are_ranked()
    {
        using SyntheticTask unseen = new(["a.wav,x,train", "b.wav,y,train", "c.wav,x,train", "d.wav,y,train", "e.wav,z,test"]);
        Assert.Equal(0, PrototypeProbe.Run(unseen.Embed(width: 4, distance: 3), 1).Score.Value);
        using SyntheticTask several = new(Enumerable.Range(0, 60).Select(i => $"{i}.wav,class{i % 3}{(i % 4 == 0 ? ";also" : "")},{(i < 40 ? "train" : "test")}"));
        Assert.InRange(PrototypeProbe.Run(several.Embed(width: 12, distance: 2), 5).Score.Value, 70, 100);
    }

    /// <summary>Share of test clips whose class has the mean of nearest direction.</summary>
    private static double ByMeans(EmbeddedTask task)
    {
        (int[] train, int[] test) = (task.Folds[0].Train, task.Folds[0].Test);
        double[][] known = [.. train.Select(clip => Row(task, clip))];
        double[] mean = [.. Enumerable.Range(0, task.Width).Select(d => known.Average(row => row[d]))];
        double[] deviation = [.. Enumerable.Range(0, task.Width).Select(d => Math.Sqrt(known.Average(row => Math.Pow(row[d] - mean[d], 2))))];
        double[][] prototypes = [.. task.Task.Classes.Select((_, label) => Directions(train.Where(clip => task.Task.Clips[clip].Labels[0] == label))
            .Aggregate((sum, row) => [.. sum.Zip(row, (x, y) => x + y)])).Select(Unit)];
        return test.Zip(Directions(test)).Average(pair =>
        {
            double[] cosines = [.. prototypes.Select(prototype => prototype.Zip(pair.Second, (x, y) => x * y).Sum())];
            return Array.IndexOf(cosines, cosines.Max()) == task.Task.Clips[pair.First].Labels[0] ? 1.0 : 0;
        });

        IEnumerable<double[]> Directions(IEnumerable<int> clips) => clips.Select(clip => Unit([.. Row(task, clip).Select((x, d) => (x - mean[d]) / deviation[d])]));
    }

    private static double[] Unit(double[] row)
    {
        double norm = Math.Sqrt(row.Sum(x => x * x));
        return [.. row.Select(x => x / norm)];
    }

    private static double[] Row(EmbeddedTask task, int clip) => [.. task.Rows([clip], ClipView.FromStart).Select(x => (double)x)];
}
