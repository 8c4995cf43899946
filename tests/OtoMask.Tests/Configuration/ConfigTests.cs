using OtoMask.Configuration;
using OtoMask.Models;

namespace OtoMask.Tests.Configuration;

public sealed class ConfigTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-config-").FullName;

    private string Yaml => Path.Combine(folder, "config.yaml");

    [Fact]
    public void Every_key_survives_the_way_to_YAML_and_back()
    {
        var config = new PretrainingConfig
        {
            Data = "/data/a: b # c",
            Framework = KnownFrameworks.MsmMae,
            Encoder = new BlockShape(96, 2, 3),
            Mask = "sgim",
            MaskRatio = 0.8,
            Steps = 1234,
            Precision = Precision.Bf16,
            Moments = Precision.Bf16,
            Gradients = Precision.Bf16,
            Seed = ulong.MaxValue,
            BaseLearningRate = 1.5e-3,
            Task = "task.csv",
        };
        ConfigFile.Write(Yaml, config);
        Assert.Equal(config, ConfigFile.Read(Yaml));
    }

    [Theory]
    [InlineData("[", 200_000, "")]
    [InlineData("{a: ", 100_000, "")]
    [InlineData("mask: &a ", 1, "dwm")]
    [InlineData("? ", 1, "&a [*a]")]
    public void What_would_exhaust_the_stack_as_a_tree_is_refused(string opening, int times, string rest)
    {
        string yaml = string.Concat(Enumerable.Repeat(opening, times)) + rest;
        Assert.StartsWith("config.yaml", Assert.Throws<UserErrorException>(() => ConfigFile.Parse(yaml, "config.yaml")).Message);
    }

    /// <summary>What has no effect beside the rest of a configuration, and the same beside a rest where it has one.</summary>
    [Theory]
    [InlineData("size", "encoder: 16/1/2\ndecoder: 16/1/2", "encoder: 16/1/2", "encoder 16/1/2 and decoder 16/1/2")]
    [InlineData("hint-start", "mask: random", "mask: inverse-block", "mask random goes by no hint ratio")]
    [InlineData("hint-start", "hint-constant: 0.5", "mask: dwm", "hint-constant 0.5 holds throughout")]
    [InlineData("hint-start", "mask: block-from-start", "mask: block", "mask block-from-start goes by no hint ratio")]
    [InlineData("hint-power", "mask: inverse-block", "mask: sgim", "mask inverse-block goes by 1 alone")]
    [InlineData("hint-power", "hint-constant: 0", "mask: dwm-topk", "hint-constant 0 holds throughout")]
    [InlineData("hint-constant", "mask: time-span", "mask: block", "mask time-span goes by no hint ratio")]
    [InlineData("ema-start", "framework: msm-mae", "framework: m2d", "msm-mae has no target network")]
    [InlineData("ema-end", "framework: msm-mae", "framework: m2d", "msm-mae has no target network")]
    [InlineData("ema-ramp", "framework: msm-mae", "framework: eat", "msm-mae has no target network")]
    [InlineData("clones", "framework: m2d", "framework: eat", "m2d has no clones")]
    [InlineData("utterance-weight", "framework: msm-mae", "framework: eat", "msm-mae has no loss about the whole clip")]
    [InlineData("noise-ratio", "mask: dwm", "noise: hum", "no noise is given")]
    [InlineData("mask-block", "mask: dwm", "mask: block-from-start", "mask dwm is not made of blocks of one size")]
    [InlineData("target-layers", "framework: msm-mae", "framework: eat", "msm-mae has no target network")]
    [InlineData("valid", "evaluate-every: 0", "evaluate-every: 3", "evaluate-every 0 never evaluates")]
    [InlineData("task", "evaluate-every: 0", "evaluate-every: 3", "evaluate-every 0 never evaluates")]
    public void What_is_said_and_changes_nothing_is_refused(string key, string beside, string besideWithEffect, string why)
    {
        string message = Assert.Throws<UserErrorException>(() => ConfigKeys.All.RequireEffect(ConfigFile.Parse(beside, "x"), [key], "--")).Message;
        Assert.Contains($"--{key} has no effect: ", message);
        Assert.Contains(why, message);
        ConfigKeys.All.RequireEffect(ConfigFile.Parse(besideWithEffect, "x"), [key], "--");
    }

    [Fact]
    public void An_unknown_size_is_refused_also_where_it_has_no_effect() => Assert.Contains(
        "unknown size 'huge'", Assert.Throws<UserErrorException>(() => ConfigFile.Parse("data: x\nsize: huge\nencoder: 16/1/2\ndecoder: 16/1/2", "x").Validate()).Message);

    [Theory]
    [InlineData("epochs: 3\nsteps: 9", "config.yaml: ", "choose one")]
    [InlineData("minutes: 3\nmask: dwm\nepochs: 9", "config.yaml: ", "choose one")]
    [InlineData("mask: dwm\nbatchh: 3", "line 2", "'batchh'", "did you mean batch?")]
    [InlineData("batch: many", "line 1", "batch: 'many'")]
    [InlineData("precision: fp8", "line 1", "fp32 or tf32 or bf16")]
    [InlineData("- a\n- b", "key: value")]
    [InlineData("mask: [a, b]", "line 1", "key: value")]
    [InlineData("mask: \"dwm", "config.yaml")]
    [InlineData("mask: a\nmask: b", "config.yaml")]
    public void A_mistake_in_YAML_is_named_with_its_line(string yaml, params string[] expected)
    {
        File.WriteAllText(Yaml, yaml);
        string message = Assert.Throws<UserErrorException>(() => ConfigFile.Read(Yaml)).Message;
        Assert.All(expected, part => Assert.Contains(part, message));
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_patch_of_one_value_has_no_deviation_to_be_predicted_over()
    {
        var config = new PretrainingConfig { Data = "x", Framework = KnownFrameworks.MsmMae, Input = "80x16", Patch = "1x1", Mask = "random" };
        Assert.Contains("a single value has no deviation", Assert.Throws<UserErrorException>(() => config.Validate()).Message);
        (config with { Patch = "1x2" }).Validate();
        (config with { Framework = KnownFrameworks.M2d }).Validate(); // predicts vectors
    }

    [Fact]
    public void What_nobody_says_is_as_the_framework_was_published()
    {
        PretrainingConfig eat = ConfigFile.Parse("framework: eat\nclip: 2", "x"), m2d = eat with { Framework = KnownFrameworks.M2d };
        Assert.Equal((0.8, 16, 192, 0.9998, 0.99999, 0.25, 2.0 / 15, 2), (eat.ResolvedMaskRatio, eat.Clones, eat.UtteranceWeight, eat.EmaStart, eat.EmaEnd, eat.EmaRamp, eat.Warmup, eat.ClipNorm));
        Assert.Equal((0.7, 1, 0, 0.99995, 0.99999, 1, 1.0 / 15, 2), (m2d.ResolvedMaskRatio, m2d.Clones, m2d.UtteranceWeight, m2d.EmaStart, m2d.EmaEnd, m2d.EmaRamp, m2d.Warmup, m2d.ClipNorm));
        Assert.Equal(eat, ConfigFile.Parse(ConfigFile.ToYaml(eat), "x"));
        Assert.NotEqual(eat, eat with { Clones = 4 });
    }

    [Theory]
    [InlineData("encoder: 100/2/2", "16 groups of channels do not divide the encoder's width of 100")]
    [InlineData("encoder: 24/1/1\ndecoder: 32/2/3", "3 groups of channels do not divide the decoder's own width of 32")]
    public void Groups_of_channels_must_divide_both_widths(string sizes, string said) =>
        Assert.Contains(said, Assert.Throws<UserErrorException>(() => ConfigFile.Parse($"data: x\nframework: eat\n{sizes}", "x").Validate()).Message);

    [Theory]
    [InlineData("13", "target-layers 13: the target network has 12 blocks")]
    [InlineData("0", "give numbers of blocks from 1")]
    [InlineData("2,2", "each once")]
    [InlineData("", "give numbers of blocks from 1")]
    [InlineData("1,,2", "give numbers of blocks from 1")]
    [InlineData("last", "give numbers of blocks from 1")]
    [InlineData("99999999999", "give numbers of blocks from 1")]
    public void Layers_that_a_target_network_does_not_have_are_refused(string layers, string said) =>
        Assert.Contains(said, Assert.Throws<UserErrorException>(() => ConfigFile.Parse($"data: x\ntarget-layers: \"{layers}\"", "x").Validate()).Message);

    [Fact]
    public void Target_layers_are_written_in_order_and_read_again()
    {
        PretrainingConfig config = ConfigFile.Parse("data: x\ntarget-layers: 12, 9,10", "x").Validate();
        Assert.Contains("\ntarget-layers: 9,10,12\n", ConfigFile.ToYaml(config));
        Assert.Equal(config, ConfigFile.Parse(ConfigFile.ToYaml(config), "x"));
        Assert.NotEqual(config, config with { TargetLayers = null });
    }

    [Theory]
    [InlineData("mask-ratio", "0")]
    [InlineData("mask-block", "5")]
    [InlineData("mask-block", "0x5")]
    [InlineData("mask-block", "5x-1")]
    [InlineData("mask-ratio", "1")]
    [InlineData("patch", "160x16")]
    [InlineData("patch", "16x0")]
    [InlineData("input", "80")]
    [InlineData("input", "81x608")]
    [InlineData("encoder", "190/12/3")]
    [InlineData("encoder", "192/0/3")]
    [InlineData("size", "huge")]
    [InlineData("mask", "dmw")]
    [InlineData("batch", "0")]
    [InlineData("epochs", "0")]
    [InlineData("minutes", "-1")]
    [InlineData("min-clips", "-1")]
    [InlineData("noise-ratio", "1")]
    [InlineData("clones", "0")]
    [InlineData("utterance-weight", "-1")]
    [InlineData("ema-ramp", "2")]
    [InlineData("decoder", "192/12/3/post-norm")]
    [InlineData("encoder", "192/12/3/post")]
    [InlineData("hint-start", "2")]
    [InlineData("sample-rate", "44100")]
    public void An_impossible_value_is_refused(string key, string value)
    {
        string message = Assert.Throws<UserErrorException>(
            () => ConfigKeys.All.Single(candidate => candidate.Name == key).Set(new PretrainingConfig { Data = "x" }, value).Validate()).Message;
        Assert.DoesNotContain('\n', message);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
