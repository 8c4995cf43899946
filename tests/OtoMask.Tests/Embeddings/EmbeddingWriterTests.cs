using System.Collections.Concurrent;
using System.Globalization;
using OtoMask.Data;
using OtoMask.Embeddings;
using OtoMask.Evaluation;
using OtoMask.Interop;
using OtoMask.Tests.Audio;
using OtoMask.Tests.Data;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Embeddings;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class EmbeddingWriterTests : IDisposable
{
    private const int Width = 5 * 16, Layers = 2;
    private readonly SoundFolder sounds = new(), output = new();
    private readonly string run;

    public EmbeddingWriterTests() => run = UntrainedCheckpoint.Write(output["run.safetensors"]);

    public void Dispose()
    {
        sounds.Dispose();
        output.Dispose();
    }

    [Theory]
    [InlineData(EmbeddingRow.Clip, EncoderLayers.Last), InlineData(EmbeddingRow.Clip, EncoderLayers.All)]
    [InlineData(EmbeddingRow.Frame, EncoderLayers.Last), InlineData(EmbeddingRow.Frame, EncoderLayers.All)]
    public void RowsAreThoseOfTheFacadeInTheOrderOfTheNames(EmbeddingRow per, EncoderLayers layers)
    {
        sounds.AddClips(11).Add("long.wav", 131, 5).Add("low.wav", 2, 9, rate: 8000);
        NpyFile.Write(sounds["logmel.npy"], [.. Enumerable.Range(0, 80 * 20).Select(i => -i * 0.01f)], 80, 20);
        EmbeddingSummary summary = Write("x.npy", per, layers);

        using var encoder = Encoder.Load(run);
        NpyArray array = NpyFile.Read(output["x.npy"]);
        string[][] index = ReadCsv("x.index.csv");
        Assert.Equal(layers == EncoderLayers.All ? [(int)summary.Rows, Layers, Width] : [(int)summary.Rows, Width], array.Shape);
        Assert.Equal(["file_name", "first_row", "rows", "seconds"], index[0]);
        Assert.Equal([.. Enumerable.Range(0, 11).Select(i => $"{i:00}.wav"), "logmel.npy", "long.wav", "low.wav"], index[1..].Select(row => row[0]));
        int next = 0;
        foreach (string[] row in index[1..])
        {
            float[] expected = per == EmbeddingRow.Clip ? encoder.EncodeClip(sounds[row[0]], layers) : [.. encoder.Encode(sounds[row[0]], layers).Cast<float>()];
            Assert.Equal((next, expected.Length), (int.Parse(row[1]), int.Parse(row[2]) * summary.Width));
            AssertClose(expected, array.Values.AsSpan(next * summary.Width, expected.Length));
            next += int.Parse(row[2]);
        }
        Assert.Equal((next, 14, null), (summary.Rows, summary.Clips, summary.BadFilesPath));
        Assert.Equal(131, double.Parse(index[^2][3], CultureInfo.InvariantCulture), 0.01);
    }

    [Fact]
    public void EveryFormatHoldsTheSameRows()
    {
        sounds.AddClips(5);
        foreach (string name in (string[])["x.npy", "x.safetensors", "x.csv"])
            Write(name, EmbeddingRow.Frame, EncoderLayers.All);
        float[] values = NpyFile.Read(output["x.npy"]).Values;
        HostTensor tensor = SafetensorsFile.Read(output["x.safetensors"], requireChecksum: true).Tensors["embeddings"];
        Assert.Equal([values.Length / Width / Layers, Layers, Width], tensor.Shape);
        Assert.Equal(values, tensor.ToFloats());

        string[][] table = ReadCsv("x.csv");
        Assert.Equal(["file_name", "start", "l1_e0", "l1_e1"], table[0][..4]);
        Assert.Equal($"l{Layers}_e{Width - 1}", table[0][^1]);
        Assert.Equal(values, table[1..].SelectMany(row => row[2..]).Select(value => float.Parse(value, CultureInfo.InvariantCulture)));
        Assert.Equal(["00.wav", "0.16"], table[2][..2]);
    }

    [Fact]
    public void ThreadsAndBatchesChangeNothing()
    {
        sounds.AddClips(23).Add("long.wav", 70, 3).AddText("text.wav", "text");
        Write("one.npy", EmbeddingRow.Frame, workers: 1, batch: 1);
        Write("many.npy", EmbeddingRow.Frame, workers: 7, batch: 64);
        Assert.Equal(File.ReadAllBytes(output["one.npy"]), File.ReadAllBytes(output["many.npy"]));
        Assert.Equal(File.ReadAllBytes(output["one.index.csv"]), File.ReadAllBytes(output["many.index.csv"]));
    }

    [Theory]
    [InlineData("x.npy"), InlineData("x.csv"), InlineData("x.safetensors")]
    public void BadRecordingsAreLeftOutAndListed(string name)
    {
        using var damaged = new SoundFiles();
        float[] samples = [.. SoundFolder.Sound(200, 1)];
        samples[^100] = float.NaN; // found after rows of its beginning were written
        sounds.AddClips(3).AddText("01a.wav", "no audio").AddText("02a.wav", "");
        File.Copy(damaged.Write("nan.wav", SoundFiles.WavFloat, samples, SoundFolder.Rate), sounds["01b.wav"]);
        EmbeddingSummary summary = Write(name, EmbeddingRow.Frame, batch: 4);

        Assert.Equal((3, 3), (summary.Clips, summary.Bad.Count));
        string[][] list = ReadCsv("x.bad-files.csv");
        Assert.Equal([sounds["01a.wav"], sounds["01b.wav"], sounds["02a.wav"]], list[1..].Select(row => row[0]));
        Assert.Contains("NaN", list[2][1]);
        long rows = name == "x.csv" ? ReadCsv("x.csv").Length - 1 : ReadCsv("x.index.csv")[1..].Sum(row => long.Parse(row[2]));
        Assert.Equal(summary.Rows, rows);

        foreach (string bad in (string[])["01a.wav", "01b.wav", "02a.wav"])
            File.Delete(sounds[bad]);
        byte[] first = File.ReadAllBytes(output[name]);
        Write(name, EmbeddingRow.Frame, batch: 4);
        Assert.Equal(first, File.ReadAllBytes(output[name])); // as if they had never been there
        Assert.False(File.Exists(output["x.bad-files.csv"]));
    }

    [Theory]
    [InlineData("x.npy"), InlineData("x.safetensors")]
    public void AnIndexBesideRowsIsTheirs(string name)
    {
        sounds.AddClips(3);
        Write(name);
        (byte[] rows, string index) = (File.ReadAllBytes(output[name]), File.ReadAllText(output["x.index.csv"]));

        string list = output["x.bad-files.csv"];
        Directory.CreateDirectory(Path.Combine(list, "in the way")); // what is written last fails
        Assert.ThrowsAny<Exception>(() => Write(name));
        Assert.Equal(rows, File.ReadAllBytes(output[name]));
        Assert.Equal(index, File.ReadAllText(output["x.index.csv"]));
        Directory.Delete(list, recursive: true);

        // Killed anywhere, rows without an index may stay, never rows with another's.
        var events = new ConcurrentQueue<string>();
        using (var watcher = new FileSystemWatcher(output.Path))
        {
            watcher.Deleted += (_, change) => events.Enqueue($"delete {change.Name}");
            watcher.Renamed += (_, change) => events.Enqueue($"rename to {change.Name}");
            watcher.EnableRaisingEvents = true;
            Write(name);
            SpinWait.SpinUntil(() => events.Contains("rename to x.index.csv"), TimeSpan.FromMinutes(1));
        }
        IEnumerable<string> ofOutputs = events.Where(change => !change.EndsWith(".tmp", StringComparison.Ordinal)); // the places were tried before
        Assert.Equal(["delete x.index.csv", $"rename to {name}", "rename to x.index.csv"], ofOutputs);
    }

    [Fact]
    public void AnOutputAmongTheRecordingsIsNoneOfThem()
    {
        sounds.AddClips(2);
        Write(sounds["x.npy"]);
        byte[] first = File.ReadAllBytes(sounds["x.npy"]);
        EmbeddingSummary again = Write(sounds["x.npy"]);
        Assert.Equal((2, 0), (again.Clips, again.Bad.Count));
        Assert.Equal(first, File.ReadAllBytes(sounds["x.npy"]));
        File.Delete(sounds["00.wav"]);
        File.Delete(sounds["01.wav"]);
        Assert.Contains("no recording to embed", Assert.Throws<UserErrorException>(() => Write(sounds["x.npy"])).Message);
    }

    [Fact]
    public void WithoutOneGoodRecordingNothingIsWritten()
    {
        sounds.AddText("a.wav", "no audio").AddText("b.wav", "");
        Assert.Contains("none of the 2 clips can be used", Assert.Throws<UserErrorException>(() => Write("x.npy")).Message);
        Assert.Equal([run], Directory.GetFiles(output.Path));
    }

    [Fact]
    public void AStopLeavesWhatWasThereBefore()
    {
        sounds.AddClips(20);
        Write("x.npy");
        byte[] before = File.ReadAllBytes(output["x.npy"]);
        sounds.AddClips(30);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => Write("x.npy", progress: new Relay<WorkProgress>(told =>
        {
            if (told.Done == 10)
                stop.Cancel();
        }), cancellation: stop.Token));
        Assert.Equal(before, File.ReadAllBytes(output["x.npy"]));
        Assert.Equal([run, output["x.index.csv"], output["x.npy"]], Directory.GetFiles(output.Path).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("x.txt", 64, 0, "`path`"), InlineData("x", 64, 0, "`path`"), InlineData("x.npy", 0, 0, "`Batch`"), InlineData("x.npy", 64, -1, "`Workers`")]
    public void ImpossibleOptionsAreNamed(string name, int batch, int workers, string option)
    {
        sounds.AddClips(1);
        Assert.Contains(option, Assert.Throws<UserErrorException>(() => Write(name, batch: batch, workers: workers)).Message);
    }

    [Theory]
    [InlineData(3), InlineData(70)]
    public void ARecordingIsOpenedOnce(double seconds)
    {
        sounds.Add("a.wav", seconds, 1);
        using var opens = new FileOpens(sounds["a.wav"]);
        Write("x.npy");
        Assert.Equal(1, opens.Since());
    }

    private EmbeddingSummary Write(
        string name, EmbeddingRow per = EmbeddingRow.Clip, EncoderLayers layers = EncoderLayers.Last, int batch = 64, int workers = 2,
        IProgress<WorkProgress>? progress = null, CancellationToken cancellation = default)
    {
        using EncoderSnapshot encoder = SavedModel.Open(run).LoadEncoder(Device.Cpu);
        using ClipSource source = sounds.Open();
        var options = new EmbeddingOptions { Per = per, Layers = layers, Batch = batch, Workers = workers };
        return EmbeddingWriter.Write(encoder, source.Clips, output[name], options, progress, cancellation);
    }

    private string[][] ReadCsv(string name) => [.. File.ReadLines(output[name]).Select(line => line.Split(','))];

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-5f);
    }
}
