using OtoMask.Configuration;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Pretraining;

/// <summary>Runs that begin with the weights of another.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class FurtherPretrainingTests : IDisposable
{
    private readonly TrainingFolder data = new();

    public void Dispose() => data.Dispose();

    [Theory]
    [InlineData("m2d"), InlineData("msm-mae"), InlineData("eat")]
    public void It_begins_with_the_weights_bit_for_bit_and_goes_on_learning(string frameworkName)
    {
        Framework framework = KnownFrameworks.Find(frameworkName);
        PretrainingConfig config = data.Config with { Framework = framework, Epochs = 30, BaseLearningRate = 0.3, Mask = "random" };
        RunFolder first = data.Train("first", config);
        var observer = new RecordingObserver();
        RunFolder further = data.Train("further", config with { From = first.Path, Epochs = 2 }, stopAt: 1, observer);

        IReadOnlyDictionary<string, HostTensor> begun = SafetensorsFile.Read(further.CheckpointOf(0)).Tensors, given = SafetensorsFile.Read(first.LatestCheckpoint).Tensors;
        Assert.All(given.Where(pair => !pair.Key.StartsWith("optimizer.")), pair => Assert.True(pair.Value.Data.AsSpan().SequenceEqual(begun[pair.Key].Data), $"{pair.Key} differs"));
        Assert.All(begun.Where(pair => pair.Key.StartsWith("optimizer.")), pair => Assert.All(pair.Value.ToFloats(), value => Assert.Equal(0, value)));

        var scratch = new RecordingObserver();
        data.Train("scratch", config with { Epochs = 2 }, stopAt: 1, scratch);
        Assert.True(observer.Steps[0].Loss < 0.95 * scratch.Steps[0].Loss, $"{observer.Steps[0].Loss} is no better than {scratch.Steps[0].Loss} from scratch");
        Assert.Equal(scratch.Steps.Select(step => step.LearningRate), observer.Steps.Select(step => step.LearningRate)); // a schedule of its own
    }

    [Fact]
    public void A_run_stopped_and_resumed_equals_one_that_was_not_and_needs_the_model_no_more()
    {
        RunFolder first = data.Train("first", data.Config);
        PretrainingConfig config = data.Config with { From = first.Path, Input = "80x160", Mask = "dwm", Noise = data.Audio, NoiseRatio = 0.3 };
        RunFolder straight = data.Train("straight", config), stopped = data.Train("stopped", config, stopAt: 2);
        Directory.Delete(first.Path, recursive: true);
        TrainingFolder.Resume(stopped);
        Assert.Equal((first.Path, data.Audio, 0.3), (ConfigOf(stopped).From, ConfigOf(stopped).Noise, ConfigOf(stopped).NoiseRatio));
        IReadOnlyDictionary<string, HostTensor> expected = SafetensorsFile.Read(straight.LatestCheckpoint).Tensors, actual = SafetensorsFile.Read(stopped.LatestCheckpoint).Tensors;
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        Assert.All(expected, pair => Assert.True(pair.Value.Data.AsSpan().SequenceEqual(actual[pair.Key].Data), $"{pair.Key} differs"));
    }

    [Theory]
    [InlineData("80x160", "its positions stretched from 6 to 10 patches along time")]
    [InlineData("80x64", "its positions cut from 6 to 4 patches along time")]
    public void Another_length_of_input_stretches_or_cuts_the_positions(string input, string told)
    {
        RunFolder first = data.Train("first", data.Config, stopAt: 1);
        using TrainingSetup setup = TrainingSetup.Begin(data.Config with { From = first.Path, Input = input }, new RecordingObserver());
        Assert.Contains(told, setup.TakenOver[0]);

        float[] before = Positions.Table(5, 6, 16), now = setup.Model.Frozen.Positions.Values.ToArray<float>();
        int columns = setup.Config.Geometry.Grid.Columns;
        Assert.Equal((1 + 5 * columns) * 16, now.Length);
        Assert.All(now[..16], value => Assert.Equal(0, value)); // CLS
        for (int i = 16; i < now.Length; i++)
        {
            (int row, int column, int at) = ((i / 16 - 1) / columns, (i / 16 - 1) % columns, i % 16);
            double expected = columns < 6 ? before[(1 + row * 6 + column) * 16 + at] : Bicubic((column + 0.5) * 6 / columns - 0.5, t => before[(1 + row * 6 + t) * 16 + at], 6);
            Assert.Equal(expected, now[i], 1e-6);
        }
    }

    [Fact]
    public void An_encoder_alone_is_taken_over_and_the_rest_begins_anew()
    {
        using MaskedModel donor = KnownFrameworks.MsmMae.CreateModel(data.Config.ModelShape, seed: 5, Device.Cpu);
        string path = Path.Combine(data.Path, "encoder-80x96p16x16.safetensors");
        SafetensorsFile.Write(path, ModelWeights.Entries(donor.Frozen));
        PretrainingConfig config = FurtherPretraining.Complete(data.Config with { From = path, Encoder = null }, SavedModel.Open(path), new HashSet<string> { "framework", "decoder", "input" });
        Assert.Equal(new BlockShape(16, 1, 1), config.Encoder); // a file of the field does not say its heads

        using TrainingSetup setup = TrainingSetup.Begin(config, new RecordingObserver());
        Assert.Contains("holds an encoder alone", string.Join('\n', setup.TakenOver));
        Assert.Contains("1 heads are taken for granted", setup.TakenOver[0]);
        Assert.Contains("anew: target network, a copy of the encoder", setup.TakenOver);
        Dictionary<string, float[]> now = setup.Model.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value.ToArray<float>());
        Assert.All(donor.Frozen.Parameters, parameter => Assert.Equal(parameter.Value.ToArray<float>(), now[parameter.Name]));
        Assert.All(setup.Model.Following.Parameters, parameter => Assert.Equal(now[parameter.Name.Replace("target_", "")], now[parameter.Name]));
        using MaskedModel fresh = config.Framework.CreateModel(config.ModelShape, config.Seed, Device.Cpu);
        Assert.All(fresh.Trained.Parameters.Skip(fresh.Frozen.Parameters.Count), parameter => Assert.Equal(parameter.Value.ToArray<float>(), now[parameter.Name]));
    }

    [Fact]
    public void What_the_user_does_not_say_comes_from_the_model()
    {
        RunFolder first = data.Train("first", data.Config with { Framework = KnownFrameworks.MsmMae, Input = "80x64", Patch = "16x8" }, stopAt: 1);
        PretrainingConfig config = FurtherPretraining.Complete(new PretrainingConfig(), SavedModel.Open(first.Path), new HashSet<string>());
        Assert.Equal((KnownFrameworks.MsmMae, "80x64", "16x8", new BlockShape(16, 1, 2), new BlockShape(16, 1, 2)), (config.Framework, config.Input, config.Patch, config.Encoder, config.Decoder));
        config = FurtherPretraining.Complete(new PretrainingConfig { Framework = KnownFrameworks.M2d, Input = "80x96" }, SavedModel.Open(first.Path), new HashSet<string> { "framework", "input" });
        Assert.Equal((KnownFrameworks.M2d, "80x96", null), (config.Framework, config.Input, config.Decoder));
    }

    [Theory]
    [InlineData("encoder", "16/2/2", "an encoder of 16/2/2 cannot take over weights of 16/1/2; leave out `size` and `encoder`")]
    [InlineData("patch", "16x8", "patches of 16x8 are not the 16x16 that it embeds; leave out `patch`")]
    [InlineData("input", "64x96", "64 mel bands at 16000 Hz are not the 80 at 16000 Hz it knows")]
    [InlineData("sample-rate", "32000", "80 mel bands at 32000 Hz are not the 80 at 16000 Hz it knows")]
    public void What_does_not_fit_is_refused(string key, string value, string message)
    {
        RunFolder first = data.Train("first", data.Config, stopAt: 1);
        PretrainingConfig config = ConfigKeys.Find(key).Set(data.Config with { From = first.Path }, value);
        Assert.Contains(message, Assert.Throws<UserErrorException>(() => TrainingSetup.Begin(config, new RecordingObserver())).Message);
    }

    private static PretrainingConfig ConfigOf(RunFolder folder) => Checkpoint.Read(folder.Path).State.ParsedConfig;

    /// <summary>Cubic convolution with a = -0.75 (Keys, 1981), borders repeated: PyTorch's <c>interpolate(mode="bicubic", align_corners=False)</c>.</summary>
    private static double Bicubic(double at, Func<int, float> values, int count)
    {
        const double A = -0.75;
        int first = (int)Math.Floor(at);
        double Weight(double distance) => Math.Abs(distance) switch
        {
            <= 1 and var d => ((A + 2) * d - (A + 3)) * d * d + 1,
            < 2 and var d => ((d - 5) * d + 8) * d * A - 4 * A,
            _ => 0,
        };
        return Enumerable.Range(first - 1, 4).Sum(i => Weight(at - i) * values(Math.Clamp(i, 0, count - 1)));
    }
}
