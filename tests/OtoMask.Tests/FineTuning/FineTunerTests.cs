using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.FineTuning;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Tests.Audio;
using OtoMask.Tests.Evaluation;
using OtoMask.Tests.Pretraining;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.FineTuning;

[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public sealed class FineTunerTests : IDisposable
{
    private readonly FineTuningFolder data = new();

    [Fact]
    public void It_learns_and_leaves_a_whole_folder()
    {
        var observer = new RecordingObserver();
        (RunFolder run, FineTuningResult? result) = data.Train("run", data.Config with { Epochs = 40, KeepLast = 2, Mixup = 0 }, observer: observer);
        Assert.Equal((120, 2), (observer.Steps.Count, run.Checkpoints.Count));
        Assert.True(observer.Steps[^9..].Average(step => step.Loss) < 0.6 * observer.Steps[..9].Average(step => step.Loss), "the loss did not fall");
        Assert.Equal(100, result!.Score);
        Assert.Equal(8, result.TestClips.Count);
        Assert.Equal(120 + 2 * 40, File.ReadLines(run.Log).Count());
        Assert.Empty(Directory.GetFiles(run.Path, "*.tmp*", SearchOption.AllDirectories));

        double first = observer.Evaluations.First(row => row.Metric == "loss/valid").Value, best = observer.Evaluations.Where(row => row.Metric == "loss/valid").Min(row => row.Value);
        Assert.True(best < 0.5 * first, $"validation loss fell only from {first} to {best}");
    }

    [Theory]
    [InlineData(OptimizerKind.Sgd, 0.3, Precision.Fp32)]
    [InlineData(OptimizerKind.AdamW, 3e-3, Precision.Bf16)]
    [InlineData(OptimizerKind.Lars, 1, Precision.Fp32)]
    public void A_run_stopped_and_resumed_equals_one_that_was_not(OptimizerKind optimizer, double rate, Precision precision)
    {
        FineTuningConfig config = data.Config with { Optimizer = optimizer, LearningRate = rate, Precision = precision };
        (RunFolder straight, FineTuningResult? expected) = data.Train("straight", config);
        (RunFolder stopped, FineTuningResult? none) = data.Train("stopped", config, stopAt: 2);
        Assert.Null(none);
        FineTuningResult resumed = FineTuningFolder.Resume(stopped);
        FineTuningFolder.AssertSameRun(straight, stopped);
        Assert.Equal((expected!.Best, expected.Score), (resumed.Best, resumed.Score));
        Assert.Equal(expected.Logits, resumed.Logits);
    }

    [Fact]
    public void A_run_cancelled_within_an_epoch_goes_on_exactly()
    {
        (RunFolder straight, _) = data.Train("straight", data.Config);
        RunFolder cancelled = data.NewRun("cancelled");
        using (var cancellation = new CancellationTokenSource())
        {
            var observer = new RecordingObserver { OnStep = step => { if (step.Step == 5) cancellation.Cancel(); } };
            using FineTuningSetup setup = FineTuningFolder.Begin(data.Config with { Workers = 3 });
            using var tuner = new FineTuner(cancelled, setup, observer);
            Assert.Equal(TrainingEnd.Stopped, tuner.Run(null, cancellation.Token));
            Assert.EndsWith("step-000000005.safetensors", cancelled.LatestCheckpoint);
        }
        FineTuningFolder.Resume(cancelled);
        FineTuningFolder.AssertSameRun(straight, cancelled);
    }

    [Fact]
    public void Strict_never_looks_at_test_labels_before_the_end()
    {
        (RunFolder honest, FineTuningResult? result) = data.Train("honest", data.Config);
        data.Mark("label,split", i => $"{(i < 24 ? ToneTask.Label(i) : ToneTask.Label(i + 1))},{ToneTask.Split(i)}"); // every test label is wrong
        (RunFolder corrupted, FineTuningResult? wrong) = data.Train("corrupted", data.Config);
        FineTuningFolder.AssertSameRun(honest, corrupted);
        Assert.Equal(result!.Best, wrong!.Best);
        Assert.Equal(100, result.Score + wrong.Score, 1e-9); // two classes: what was right is wrong now
    }

    [Fact]
    public void Strict_does_not_even_read_test_clips_before_the_end()
    {
        for (int clip = 24; clip < 32; clip++)
            File.Delete(data.Inside($"{clip}.wav"));
        RunFolder folder = data.NewRun("run");
        var observer = new RecordingObserver();
        using FineTuningSetup setup = FineTuningFolder.Begin(data.Config);
        using var tuner = new FineTuner(folder, setup, observer);
        Assert.Equal(TrainingEnd.Finished, tuner.Run(null));
        Assert.Equal(0, setup.BadFiles.Count);
        Assert.Contains("none of the 8 clips can be used", Assert.Throws<UserErrorException>(tuner.Test).Message);
    }

    [Fact]
    public void Selecting_on_test_says_so_and_trains_on_every_training_clip()
    {
        var observer = new RecordingObserver();
        (_, FineTuningResult? result) = data.Train("run", data.Config with { Mode = FineTuningMode.SelectOnTest, Batch = 8 }, observer: observer);
        Assert.Contains("chosen on the test clips", Assert.Single(RunLog.Read(new RunFolder(data.Inside("run")).Log).Warnings).Message);
        Assert.Equal(result!.Best.Score, result.Score); // it was chosen by the very clips it is scored on
        Assert.Equal(12, observer.Steps.Count); // 24 clips, 3 steps of 8
        Assert.All(observer.Evaluations, row => Assert.EndsWith("/test", row.Metric));

        data.Mark("label,split", i => $"{ToneTask.Label(i)},{(i < 20 ? "train" : i < 24 ? "valid" : "test")}");
        Assert.Contains("marks validation clips", Assert.Throws<UserErrorException>(() => data.Train("other", data.Config with { Mode = FineTuningMode.SelectOnTest })).Message);
    }

    [Fact]
    public void Several_labels_are_learnt_and_scored_by_average_precision()
    {
        data.Mark("label,split", i => $"{ToneTask.Label(i)}{(i % 4 < 2 ? ";tone" : "")},{ToneTask.Split(i)}");
        var observer = new RecordingObserver();
        (RunFolder run, FineTuningResult? result) = data.Train("run", data.Config with { Epochs = 30 }, observer: observer);
        Assert.Equal(("mAP", null), (result!.Metric, result.OverClips));
        Assert.InRange(result.Score, 75, 100); // high and low perfectly, whatever of the third
        Assert.Contains(observer.Evaluations, row => row.Metric == "mAP/valid");
        FineTunedState state = FineTunedCheckpoint.Read(run.Path).State;
        Assert.True(state.MultiLabel);
        Assert.Equal(["high", "low", "tone"], state.Classes);
    }

    [Fact]
    public void A_fold_is_tested_on_and_not_trained_on()
    {
        data.Mark("label,split,fold", i => $"{ToneTask.Label(i)},train,{1 + i / 2 % 4}");
        Assert.Contains("folds 1, 2, 3, 4", Assert.Throws<UserErrorException>(() => data.Train("none", data.Config)).Message);
        Assert.Contains("folds 1, 2, 3, 4", Assert.Throws<UserErrorException>(() => data.Train("wrong", data.Config with { Fold = 5 })).Message);
        (_, FineTuningResult? result) = data.Train("run", data.Config with { Fold = 3 });
        Assert.Equal([4, 5, 12, 13, 20, 21, 28, 29], result!.TestClips);
    }

    [Fact]
    public void Patience_ends_a_run_early_and_it_stays_ended()
    {
        FineTuningConfig config = data.Config with { Epochs = 60, LearningRate = 1e-9, Patience = 2, Mixup = 0 };
        (RunFolder run, FineTuningResult? result) = data.Train("run", config);
        int epochs = (int)(FineTunedCheckpoint.Read(run.LatestCheckpoint).State.Step / 3);
        Assert.Equal(result!.Best.Epoch + 2, epochs);
        Assert.InRange(epochs, 3, 59);
        Assert.Equal(result.Score, FineTuningFolder.Resume(run).Score);
    }

    [Fact]
    public void What_is_frozen_stays_and_every_other_parameter_moves()
    {
        using FineTuningSetup setup = FineTuningFolder.Begin(data.Config with { FreezePatchEmbedding = true, Optimizer = OptimizerKind.Sgd, LearningRate = 0.5 });
        Dictionary<string, float[]> before = Values(setup.Model);
        using var tuner = new FineTuner(data.NewRun("run"), setup, new RecordingObserver());
        tuner.Run(null);
        Assert.All(Values(setup.Model), pair => Assert.True(pair.Value.SequenceEqual(before[pair.Key]) == pair.Key.StartsWith("patch_embed.", StringComparison.Ordinal), pair.Key));
    }

    [Fact]
    public void Blocks_further_from_the_head_learn_more_slowly_where_asked()
    {
        using FineTuningSetup setup = FineTuningFolder.Begin(data.Config with { LayerDecay = 0.5 });
        double RateOf(string name) => setup.RateOf(setup.Model.Trained.Parameters.Single(parameter => parameter.Name == name));
        Assert.Equal([0.125, 0.125, 0.25, 0.5, 1, 1], new[] { "cls_token", "patch_embed.proj.bias", "blocks.0.mlp.fc1.weight", "blocks.1.attn.qkv.bias", "norm.weight", "head.mlp.mlp.0.weight" }.Select(RateOf));
    }

    [Fact]
    public void It_begins_with_the_weights_of_the_checkpoint_or_with_others()
    {
        using FineTuningSetup trained = FineTuningFolder.Begin(data.Config), untrained = FineTuningFolder.Begin(data.Config with { Start = StartingWeights.Untrained, Seed = 9 });
        SafetensorsContent file = SafetensorsFile.Read(data.Pretrained);
        foreach ((string name, float[] values) in Values(trained.Model).Where(pair => !pair.Key.StartsWith("head.", StringComparison.Ordinal)))
            Assert.Equal(file.Tensors[name].ToFloats(), values);
        Assert.NotEqual(Values(trained.Model)["blocks.0.attn.qkv.weight"], Values(untrained.Model)["blocks.0.attn.qkv.weight"]);
    }

    [Theory]
    [InlineData("one class alone", "label,split", "low,train", "high,test")]
    [InlineData("no clip whose split is test", "label,split", "low,train", "high,train")]
    [InlineData("no clip whose split is train", "label,split", "low,test", "high,test")]
    [InlineData("single label", "label,split", "low,train", "low,test")]
    public void A_task_that_cannot_be_learnt_is_refused_with_the_reason(string reason, string columns, string even, string odd)
    {
        data.Mark(columns, i => i % 2 == 0 ? even : odd);
        Assert.Contains(reason, Assert.Throws<UserErrorException>(() => data.Train("run", data.Config)).Message);
    }

    [Theory]
    [InlineData("epochs", "0"), InlineData("batch", "1"), InlineData("lr", "0"), InlineData("patch-out", "1"), InlineData("mixup", "-1"), InlineData("layer-decay", "0")]
    [InlineData("warmup", "1"), InlineData("precision", "auto"), InlineData("optimizer", "adam"), InlineData("mode", "test"), InlineData("seconds", "0"), InlineData("device", "cuda:99"), InlineData("fold", "1")]
    public void An_impossible_value_is_refused(string key, string value) => Assert.DoesNotContain(
        '\n', Assert.Throws<UserErrorException>(() => FineTuningFolder.Begin(FineTuningKeys.All.Named(key).Set(data.Config, value)).Dispose()).Message);

    [Fact]
    public void A_changed_task_is_not_gone_on_with()
    {
        (RunFolder run, _) = data.Train("run", data.Config, stopAt: 1);
        data.Mark("label,split", i => $"{ToneTask.Label(i)},{(i < 23 ? "train" : "test")}");
        Assert.Contains("has changed since", Assert.Throws<UserErrorException>(() => FineTuningFolder.Resume(run)).Message);
    }

    [Fact]
    public void A_run_that_goes_on_otherwise_keeps_no_best_epoch_of_the_one_it_leaves()
    {
        (RunFolder run, _) = data.Train("run", data.Config with { Epochs = 12, KeepLast = 20, Mixup = 0 }, stopAt: 10);
        BestEpoch BestOnDisk() => FineTunedCheckpoint.Read(run.BestCheckpoint).State.Best!;
        Assert.InRange(BestOnDisk().Epoch, 2, 10);

        FineTunedCheckpoint from = FineTunedCheckpoint.ReadToResume(run.CheckpointOf(3));
        using FineTuningSetup setup = FineTuningSetup.Resume(from, from.State.ParsedConfig with { LearningRate = 1e-9, Epochs = 3 }, _ => { }, new RecordingObserver());
        using var tuner = new FineTuner(run, setup, new RecordingObserver());
        Assert.Equal(TrainingEnd.Finished, tuner.Run(null));
        Assert.Equal(BestOnDisk(), tuner.Best);
        Assert.Equal(1e-9, FineTunedCheckpoint.Read(run.BestCheckpoint).State.ParsedConfig.LearningRate);
    }

    [Fact]
    public void A_checkpoint_is_read_whole_or_refused()
    {
        (RunFolder run, _) = data.Train("run", data.Config, stopAt: 1);
        Assert.Equal(
            ["blocks.0.attn.proj.bias", "head.mlp.mlp.0.bias", "head.mlp.mlp.0.weight", "head.norm.running_mean", "head.norm.running_var", "norm.weight", "patch_embed.proj.weight"],
            SafetensorsFile.Read(run.BestCheckpoint).Tensors.Keys.Where(name => name is "blocks.0.attn.proj.bias" or "norm.weight" or "patch_embed.proj.weight" || name.StartsWith("head.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains("is no fine-tuned model", Assert.Throws<UserErrorException>(() => FineTunedCheckpoint.Read(data.Pretrained)).Message);
        byte[] bytes = File.ReadAllBytes(run.BestCheckpoint);
        bytes[^5] ^= 1;
        File.WriteAllBytes(run.BestCheckpoint, bytes);
        Assert.Contains("checksum", Assert.Throws<UserErrorException>(() => FineTunedCheckpoint.Read(run.Path)).Message);
    }

    [Fact]
    public void Clips_may_be_longer_than_what_the_encoder_was_trained_on()
    {
        (RunFolder run, FineTuningResult? result) = data.Train("run", data.Config with { Seconds = 0.7, PatchOut = 0 });
        Assert.Equal(8, result!.TestClips.Count);
        SafetensorsContent file = SafetensorsFile.Read(run.BestCheckpoint);
        Assert.Equal(("80x80", 1 + 5 * 5L), (file.Metadata["input_size"], file.Tensors["pos_embed"].Shape[1])); // 71 frames, five patches along time
        using var predictor = Predictor.Open(run.Path, Device.Cpu);
        Assert.Equal(1, Assert.Single(predictor.Predict([data.Inside("0.wav")], new BadFiles())).Probabilities.Sum(), 1e-9);
    }

    [Fact]
    public void Samples_are_predicted_as_the_file_that_holds_them()
    {
        (RunFolder run, _) = data.Train("run", data.Config, stopAt: 1);
        using var predictor = Predictor.Open(run.Path, Device.Cpu);
        Waveform[] sounds =
        [
            .. Enumerable.Range(0, 70).Select(i => new Waveform(SoundFiles.Tone(300 + 50 * i, 0.1 + 0.3 * (i % 7), i % 2 == 0 ? 16000 : 22050), i % 2 == 0 ? 16000 : 22050)),
            new(SoundFiles.Tone(300, 61.5, 16000), 16000), // longer than what is heard at once
        ];
        using var files = new SoundFiles();
        string[] paths = [.. sounds.Select((sound, i) => files.Write($"{i}.wav", SoundFiles.WavFloat, sound.Samples.ToArray(), sound.SampleRate))];
        IReadOnlyList<double>[] expected = [.. predictor.Predict(paths, new BadFiles()).Select(prediction => prediction.Probabilities)];
        IReadOnlyList<IReadOnlyList<double>> actual = predictor.Predict(sounds);
        Assert.Equal(expected.Length, actual.Count);
        Assert.All(expected.Zip(actual), pair => Assert.All(pair.First.Zip(pair.Second), p => Assert.Equal(p.First, p.Second, 1e-6)));
        Assert.All((int[])[0, 1, 70], i => Assert.All(expected[i].Zip(predictor.Predict(sounds[i].Samples.Span, sounds[i].SampleRate)), p => Assert.Equal(p.First, p.Second, 1e-6)));

        Assert.Empty(predictor.Predict(Array.Empty<Waveform>()));
        Assert.Contains("there is no sample", Assert.Throws<ArgumentException>(() => predictor.Predict(ReadOnlySpan<float>.Empty, 16000)).Message);
        Assert.Contains("sound 1: the sound contains NaN", Assert.Throws<ArgumentException>(() => predictor.Predict([sounds[0], new(new[] { float.NaN }, 16000)])).Message);
        Assert.Throws<OperationCanceledException>(() => predictor.Predict(sounds, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Its_encoder_is_a_model_like_any_other_and_can_be_fine_tuned_again()
    {
        (RunFolder run, _) = data.Train("run", data.Config with { Seconds = 0.3 }, stopAt: 1);
        SavedModel saved = SavedModel.Open(run.Path);
        Assert.Equal((new InputGeometry(80, 32, 16, 16), new BlockShape(16, 2, 2), new NormalisationStatistics(-7.1f, 4.2f)), (saved.Input, saved.Encoder, saved.Normalisation));
        Assert.Empty(saved.Notes);
        SafetensorsContent file = SafetensorsFile.Read(run.BestCheckpoint), pretrained = SafetensorsFile.Read(data.Pretrained);
        using (EncoderSnapshot encoder = saved.LoadEncoder(Device.Cpu))
        {
            using var scope = new TensorScope();
            Assert.All(encoder.Encoder.Parameters, parameter => Assert.Equal(file.Tensors[parameter.Name].ToFloats(), parameter.Value.ToArray<float>()));
            // Two of three time steps are left, and keep their positions: CLS, then (f, t) of a grid of 5 x 3.
            float[] positions = encoder.Encoder.Positions.Values.ToArray<float>(), all = pretrained.Tensors["pos_embed"].ToFloats();
            Assert.All(Enumerable.Range(0, 10), id => Assert.Equal(all.AsSpan((1 + id / 2 * 3 + id % 2) * 16, 16).ToArray(), positions.AsSpan((1 + id) * 16, 16).ToArray()));
        }
        (_, FineTuningResult? again) = data.Train("again", data.Config with { Checkpoint = run.Path, Epochs = 1 });
        Assert.Equal(8, again!.TestClips.Count);
    }

    [Theory]
    [InlineData("\"Encoder\":\"16/2/2\"", "\"Encoder\":\"1600000000/2/2\"")]
    [InlineData("\"Encoder\":\"16/2/2\"", "\"Encoder\":\"16/200000/2\"")]
    [InlineData("\"FftSize\":400", "\"FftSize\":1000000000")]
    [InlineData("\"UnitSamples\":7679", "\"UnitSamples\":-1")]
    [InlineData("\"UnitSamples\":7679", "\"UnitSamples\":50000000")]
    [InlineData("\"Patch\":\"16x16\"", "\"Patch\":\"16x0\"")]
    [InlineData("\"Classes\":[\"high\",\"low\"]", "\"Classes\":[\"a\",\"b\",\"c\"]")]
    [InlineData("\"Std\":4.2", "\"Std\":0")]
    public void A_state_that_lies_is_refused_before_anything_is_allocated(string truth, string lie)
    {
        (RunFolder run, _) = data.Train("run", data.Config, stopAt: 1);
        SafetensorsContent content = SafetensorsFile.Read(run.BestCheckpoint);
        Assert.Contains(truth, content.Metadata["otomask.finetuned"]);
        SafetensorsFile.Write(run.BestCheckpoint, content.Tensors, content.Metadata.ToDictionary(pair => pair.Key, pair => pair.Value.Replace(truth, lie)));
        Assert.Throws<UserErrorException>(() => Predictor.Open(run.Path, Device.Cpu).Dispose());
    }

    public void Dispose() => data.Dispose();

    private static Dictionary<string, float[]> Values(Classifier model) =>
        model.Trained.Parameters.ToDictionary(parameter => parameter.Name, parameter => { using var scope = new TensorScope(); return parameter.Value.ToArray<float>(); });
}
