using OtoMask.Models;
using OtoMask.Pretraining;

namespace OtoMask.Tests.Pretraining;

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
            Framework = Framework.MsmMae,
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

    [Theory]
    [InlineData("mask: dwm\nbatchh: 3", "line 2", "'batchh'", "did you mean batch?")]
    [InlineData("batch: many", "line 1", "batch: 'many'")]
    [InlineData("precision: fp8", "line 1", "fp32 or bf16")]
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
        var config = new PretrainingConfig { Data = "x", Framework = Framework.MsmMae, Input = "80x16", Patch = "1x1", Mask = "random" };
        Assert.Contains("a single value has no deviation", Assert.Throws<UserErrorException>(() => config.Validate()).Message);
        (config with { Patch = "1x2" }).Validate();
        (config with { Framework = Framework.M2d }).Validate(); // predicts vectors
    }

    [Theory]
    [InlineData("mask-ratio", "0")]
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
