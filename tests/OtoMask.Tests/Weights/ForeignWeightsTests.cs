using OtoMask.Audio;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Tests.Interop;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Weights;

/// <summary>Files of the field that hold less or more than the model: what is missing, left over or no number is named, and nothing is dropped in silence.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class ForeignWeightsTests : IDisposable
{
    private static readonly Dictionary<string, string> Stated = new() { ["input_size"] = "80x96", ["patch_size"] = "16x16", ["num_heads"] = "2", ["decoder_num_heads"] = "1" };
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("blocks.1.", "lacks blocks.1, though it goes on to blocks.3")]
    [InlineData("blocks.3.", "holds 3 blocks of an encoder that has 4")]
    [InlineData("decoder_blocks.0.", "lacks decoder_blocks.0")]
    [InlineData("target_blocks.0.", "lacks target_blocks.0")]
    [InlineData("target_blocks.3.", "holds 4 blocks of an encoder that has 3")]
    [InlineData("blocks.2.attn.qkv.bias", "lacks a tensor that the model needs (blocks.2.attn.qkv.bias)")]
    [InlineData("norm.", "lacks 2 tensors that the model needs (norm.bias, norm.weight)")]
    [InlineData("cls_token", "lacks a tensor that the model needs (cls_token)")]
    public void What_is_missing_is_named(string beginning, string message) =>
        Refused(message, M2d().Where(pair => !pair.Key.StartsWith(beginning, StringComparison.Ordinal)));

    [Theory]
    [InlineData("blocks.0.ls1.gamma")]
    [InlineData("blocks.0.gamma_1")]
    [InlineData("fc_norm.weight")]
    [InlineData("norm_pre.weight")]
    [InlineData("blocks.0.attn.relative_position_bias_table")]
    [InlineData("blocks.0.attn.q_norm.weight")]
    [InlineData("blocks.0.attn.head.weight")]
    [InlineData("blocks.0.norm1.num_batches_tracked")]
    [InlineData("dist_token")]
    [InlineData("reg_token")]
    [InlineData("patch_embed.backbone.conv1.weight")]
    [InlineData("blocks.00.norm1.weight")]
    [InlineData("adapter.down.weight")]
    public void What_has_no_place_is_named(string name)
    {
        Refused($"holds a tensor that M2D, MSM-MAE and EAT have no place for ({name})", M2d().Append(new(name, Ones)));
        Refused($"holds a tensor that M2D, MSM-MAE and EAT have no place for ({name})", Encoder().Append(new(name, Ones)));
    }

    [Theory]
    [InlineData("head.weight"), InlineData("head.norm.num_batches_tracked"), InlineData("optimizer.mean.norm.weight"), InlineData("optimizer.mean.patch_embed.proj.weight"), InlineData("audio_proj.0.weight"), InlineData("head_norm.running_mean")]
    public void What_is_known_to_change_nothing_is_passed_over(string name)
    {
        float[] plain = Encode(Write(Encoder()));
        Assert.Equal(plain, Encode(Write(Encoder().Append(new(name, Ones)))));
        Assert.Equal(plain, Encode(Write(Under("backbone.", Encoder()).Append(new(name, Ones)))));
        using MaskedModel whole = SavedModel.Open(Write(M2d().Append(new(name, Ones)))).LoadModel(Device.Cpu);
    }

    [Fact]
    public void The_encoder_alone_needs_no_predictor_but_a_whole_model_needs_all_of_it()
    {
        float[] whole = Encode(Write(M2d()));
        string path = Write(M2d().Where(pair => pair.Key != "decoder_norm.bias"));
        Assert.Equal(whole, Encode(path));
        Assert.Contains("(decoder_norm.bias)", Assert.Throws<UserErrorException>(() => SavedModel.Open(path).LoadModel(Device.Cpu)).Message);
    }

    [Fact]
    public void A_second_encoder_is_not_chosen_from()
    {
        Refused("holds 2 encoders (ema.*, student.*)", Under("student.", Encoder()).Concat(Under("ema.", Encoder())));
        Refused("holds 2 encoders (*, backbone.*)", Encoder().Concat(Under("backbone.", Encoder())));
        Refused("beside the encoder (backbone.*) it holds a tensor", Under("backbone.", Encoder()).Append(new("blocks.0.norm1.weight", Ones)));
        Refused("beside the encoder (backbone.*) it holds a tensor", Under("backbone.", Encoder()).Append(new("other.blocks.0.ls1.gamma", Ones)));
    }

    [Fact]
    public void A_second_state_dict_is_not_passed_over()
    {
        string path = folder.File("80x96p16x16.pth");
        Dictionary<string, object?> encoder = Encoder().ToDictionary(pair => pair.Key, pair => (object?)SafetensorsEntry.Of(pair.Key, pair.Value));
        PyTorchCheckpoint.Write(path, new Dictionary<string, object?> { ["model"] = encoder, ["epoch"] = 3 });
        float[] plain = Encode(path);
        Assert.NotEmpty(plain);
        PyTorchCheckpoint.Write(path, new Dictionary<string, object?> { ["model"] = encoder, ["model_ema"] = Under("module.", Encoder()).ToDictionary(pair => pair.Key, pair => (object?)SafetensorsEntry.Of(pair.Key, pair.Value)) });
        Assert.Contains("holds 2 encoders (model, model_ema); save the one you want as a file of its own", Assert.Throws<UserErrorException>(() => SavedModel.Open(path)).Message);
    }

    [Theory]
    [InlineData(float.NaN), InlineData(float.PositiveInfinity), InlineData(float.NegativeInfinity)]
    public void Values_that_are_not_finite_are_refused_by_name(float value)
    {
        foreach (string name in (string[])["patch_embed.proj.weight", "cls_token", "pos_embed", "blocks.1.mlp.fc2.weight", "norm.bias"])
            Refused($"{name} holds NaN or infinity", M2d().Select(pair => pair.Key == name ? new(name, With(pair.Value, value)) : pair));
        Refused("its norm_stats are not a mean and a standard deviation", Encoder().Append(new("norm_stats", HostTensor.FromFloats([value, 4], 2))));
        Refused("its norm_stats are not a mean and a standard deviation", Encoder().Append(new("norm_stats", HostTensor.FromFloats([-7, value], 2))));
    }

    [Fact]
    public void Quantised_and_transposed_weights_are_refused_by_name()
    {
        Refused("blocks.0.mlp.fc1.weight holds whole numbers (I8)", Encoder().Select(pair => pair.Key == "blocks.0.mlp.fc1.weight" ? new(pair.Key, new HostTensor("I8", pair.Value.Shape, new byte[pair.Value.Count])) : pair));
        Refused("blocks.0.mlp.fc1.weight has shape [16, 64] where the model wants [64, 16]", Encoder().Select(pair => pair.Key == "blocks.0.mlp.fc1.weight" ? new(pair.Key, new HostTensor("F32", [16, 64], pair.Value.Data)) : pair));
    }

    [Theory]
    [InlineData("1048560x16", "65535 patches, far more than its weights are for")]
    [InlineData("16x1048560", "65535 patches, far more than its weights are for")]
    [InlineData("2048x16", "2048 mel bands")]
    public void An_input_that_the_file_cannot_justify_takes_no_memory(string input, string message)
    {
        string path = Write(Encoder(wide: true).Where(pair => pair.Key != "pos_embed"), new Dictionary<string, string>(Stated) { ["input_size"] = input });
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(message, Assert.Throws<UserErrorException>(() => SavedModel.Open(path)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20); // its positions alone would take 16 MiB, its filter bank more
    }

    [Fact]
    public void A_checkpoint_of_ours_with_a_tensor_more_less_or_broken_is_refused()
    {
        string path = UntrainedCheckpoint.Write(folder.File("step-000000.safetensors"));
        SafetensorsContent whole = SafetensorsFile.Read(path);
        Refused("(blocks.0.ls1.gamma)", whole.Tensors.Append(new("blocks.0.ls1.gamma", Ones)));
        Refused("(blocks.1.norm2.bias)", whole.Tensors.Where(pair => pair.Key != "blocks.1.norm2.bias"));
        Refused("optimizer.square.norm.bias holds NaN or infinity", whole.Tensors.Select(pair => pair.Key == "optimizer.square.norm.bias" ? new(pair.Key, With(pair.Value, float.NaN)) : pair));

        void Refused(string message, IEnumerable<KeyValuePair<string, HostTensor>> tensors)
        {
            string changed = folder.File("changed.safetensors");
            SafetensorsFile.Write(changed, tensors.ToDictionary(), whole.Metadata);
            Checkpoint checkpoint = Checkpoint.Read(changed);
            Assert.Contains(message, Assert.Throws<UserErrorException>(() =>
            {
                using MaskedModel model = checkpoint.LoadModel(Device.Cpu);
                using var optimizer = new AdamW(model.Trained, weightDecay: 0);
                checkpoint.LoadOptimizer(model, optimizer);
            }).Message);
        }
    }

    private static HostTensor Ones { get; } = HostTensor.FromFloats([1, 1], 2);

    private static Dictionary<string, HostTensor> M2d() => Entries(ModelWeights.Entries, wide: false);

    private static Dictionary<string, HostTensor> Encoder(bool wide = false) => Entries(model => ModelWeights.Entries(model.Frozen), wide);

    private static Dictionary<string, HostTensor> Entries(Func<MaskedModel, IEnumerable<SafetensorsEntry>> entries, bool wide)
    {
        int width = wide ? 64 : 16;
        var shape = new ModelShape(new InputGeometry(80, 96, 16, 16), new(width, 4, 2), new(8, 2, 1));
        using MaskedModel model = KnownFrameworks.M2d.CreateModel(shape, seed: 1, Device.Cpu);
        return entries(model).ToDictionary(entry => entry.Name, entry =>
        {
            var bytes = new byte[HostTensor.ByteCount(entry.DType, entry.Shape)];
            entry.Fill(bytes);
            return new HostTensor(entry.DType, entry.Shape, bytes);
        });
    }

    private static IEnumerable<KeyValuePair<string, HostTensor>> Under(string prefix, Dictionary<string, HostTensor> tensors) =>
        tensors.Select(pair => KeyValuePair.Create(prefix + pair.Key, pair.Value));

    private static HostTensor With(HostTensor tensor, float last)
    {
        float[] values = tensor.ToFloats();
        values[^1] = last;
        return HostTensor.FromFloats(values, tensor.Shape);
    }

    private string Write(IEnumerable<KeyValuePair<string, HostTensor>> tensors, Dictionary<string, string>? metadata = null)
    {
        string path = folder.File("model.safetensors");
        SafetensorsFile.Write(path, tensors.ToDictionary(), metadata ?? Stated);
        return path;
    }

    private void Refused(string message, IEnumerable<KeyValuePair<string, HostTensor>> tensors)
    {
        string path = Write(tensors);
        var error = Assert.Throws<UserErrorException>(() => SavedModel.Open(path).LoadEncoderOrModel());
        Assert.StartsWith(path, error.Message);
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static float[] Encode(string path)
    {
        using EncoderSnapshot encoder = SavedModel.Open(path).LoadEncoder(Device.Cpu);
        float[] values = [.. Enumerable.Range(0, 80 * 100).Select(i => MathF.Sin(i))];
        return encoder.Encode(new LogMel(80, 100, values)).Values;
    }
}

file static class Loading
{
    /// <summary>Loads the encoder, and the whole model where there is one; frees both.</summary>
    public static void LoadEncoderOrModel(this SavedModel saved)
    {
        saved.LoadEncoder(Device.Cpu).Dispose();
        if (saved.Framework is not null)
            saved.LoadModel(Device.Cpu).Dispose();
    }
}
