using System.Text.Json.Nodes;
using OtoMask.App.Bench;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Models;

namespace OtoMask.Tests.App;

public sealed class BenchTests
{
    private static readonly string[] SmallModel = ["--encoder", "48/2/3", "--decoder", "32/2/4", "--input", "80x96", "--batch", "2"];

    [Fact]
    public void TrainTellsWhatAStepCosts()
    {
        JsonNode result = Json(["bench", "train", "--steps", "2", "--mask", "dwm", "--json", .. SmallModel]);
        Assert.Equal(("48/2/3", "80x96", "dwm", 2), ((string)result["encoder"]!, (string)result["input"]!, (string)result["mask"]!, (int)result["steps"]!));
        double step = (double)result["step_ms"]!;
        Assert.Equal(2 / step * 1000, (double)result["clips_per_second"]!, tolerance: 0.02 * 2 / step * 1000);
        Assert.All((string[])["forward", "backward", "update"], phase => Assert.InRange((double)result["phase_ms"]![phase]!, 0.001, step));
        Assert.All((string[])["gflops", "gemm_gflops", "peak_rss_mb", "loss"], name => Assert.True((double)result[name]! > 0, name));
    }

    [Fact]
    public void MaskingByFeaturesCountsItsForwardPass()
    {
        double Operations(string mask) => (double)Json(["bench", "train", "--steps", "1", "--mask", mask, "--json", .. SmallModel])["gflop_per_step"]!;
        // 2 clips, 31 tokens, 2 blocks of width 48, and the embedding of 30 patches of 256 values.
        double features = 2 * (2 * (24 * 31 * 48.0 * 48 + 4 * 31 * 31 * 48) + 30 * 2 * 256 * 48);
        Assert.Equal(Operations("random") + features / 1e9, Operations("sgim"), tolerance: 0.002); // three decimals are printed
    }

    [Fact]
    public void TrainTakesTheFasterPrecision()
    {
        JsonNode result = Json(["bench", "train", "--steps", "2", "--precision", "auto", "--json", .. SmallModel]);
        Assert.StartsWith($"precision auto: {result["precision"]}, ", (string)result["precision_auto"]!);
    }

    [Fact]
    public void MasksTellsTheCostOfEveryStrategy()
    {
        JsonNode result = Json("bench", "masks", "--seconds", "0.01", "--json", "--encoder", "48/2/3", "--batch", "2");
        Assert.Equal(KnownMaskings.All.Select(masking => masking.Name), result["masks"]!.AsArray().Select(mask => (string)mask!["name"]!));
        Assert.All(result["masks"]!.AsArray(), mask => Assert.True((double)mask!["draw_ms"]! > 0, (string)mask["name"]!));
        Assert.True((double)result["masks"]!.AsArray().Single(mask => (string)mask!["name"]! == "sgim")!["features_ms"]! > 0);
    }

    [Fact]
    public void MasksOfAllTakesBlocksOfAnotherSizeForThoseMadeOfThem()
    {
        JsonNode result = Json("bench", "masks", "--mask-block", "2x8", "--seconds", "0.01", "--json", "--batch", "2", "--encoder", "48/2/3");
        Assert.Equal(KnownMaskings.All.Count, result["masks"]!.AsArray().Count);
        AppProcess.Run("bench", "masks", "--mask", "random", "--mask-block", "2x8").AssertUserError("random is not made of blocks");
    }

    [Fact]
    public void MasksTellsTheCostOfOneStrategy()
    {
        JsonNode result = Json("bench", "masks", "--mask", "dwm", "--seconds", "0.01", "--json", "--batch", "2");
        Assert.Equal("dwm", (string)Assert.Single(result["masks"]!.AsArray())!["name"]!);
    }

    [Fact]
    public void EmbedTellsTheSpeedOfBothWays()
    {
        JsonNode result = Json("bench", "embed", "--seconds", "0.01", "--clips", "3", "--clip-seconds", "0.3", "--encoder", "48/2/3", "--input", "80x96", "--json");
        Assert.Equal(("48/2/3", 3, 0.3, 3), ((string)result["encoder"]!, (int)result["clips"]!, (double)result["clip_seconds"]!, (int)result["rounds"]!));
        Assert.All((string[])["clips_per_second_single", "clips_per_second", "gain"], name => Assert.True((double)result[name]! > 0, name));
    }

    [Fact]
    public void LogMelTellsItsSpeed()
    {
        JsonNode result = Json("bench", "logmel", "--seconds", "0.01", "--sample-rate", "32000", "--json");
        Assert.Equal((32000, Environment.ProcessorCount), ((int)result["sample_rate"]!, (int)result["threads"]!));
        // Slower than this it would be broken: a straightforward transform on one old core is a hundred times real time.
        Assert.All((string[])["real_time_one_thread", "real_time"], name => Assert.True((double)result[name]! > 20, name));
    }

    [Theory]
    [InlineData("--batch", "0")]
    [InlineData("--steps", "0")]
    [InlineData("--size", "huge")]
    [InlineData("--input", "80x600")]
    [InlineData("--mask-ratio", "1")]
    [InlineData("--precision", "fp64")]
    public void ImpossibleNumbersAreUserErrors(string option, string value) => AppProcess.Run("bench", "train", option, value).AssertUserError(value);

    [Theory]
    [InlineData("msm-mae", 6616)]
    [InlineData("m2d", 7528)]
    [InlineData("eat", 5664)] // 3 (832 + 576 + 32) for student, convolution of 9 cells x 4 x 4 over 2 patches and last layer; 1296 for the teacher; 3 embeddings of 2 patches, 16 each
    public void OperationsAreCountedAsByHand(string frameworkName, double operations)
    {
        Framework framework = KnownFrameworks.Find(frameworkName);
        // One block on 2 tokens of width 4: 24*2*16 + 4*4*4 = 832; on 3 tokens: 1296. Decoder embedding 64; head 8 (one
        // value) or 32 (four); embedding of a patch 8. Trained parts count three times, embeddings of visible ones twice more.
        // Masking by features runs the encoder once more on all 3 tokens: 1296 and the embedding of 2 patches.
        var shape = new ModelShape(new InputGeometry(1, 2, 1, 1), new(4, 1, 1), new(4, 1, 1));
        Assert.Equal(operations / 1e9, StepCost.Gigaflops(framework, shape, batch: 1, visible: 1, masks: 1, readsFeatures: false), precision: 15);
        Assert.Equal(3 * operations / 1e9, StepCost.Gigaflops(framework, shape, batch: 3, visible: 1, masks: 1, readsFeatures: false), precision: 15);
        Assert.Equal((operations + 1296 + 16) / 1e9, StepCost.Gigaflops(framework, shape, batch: 1, visible: 1, masks: 1, readsFeatures: true), precision: 15);
    }

    [Fact]
    public void TheMedianIsTheMiddle()
    {
        Assert.Equal(2, Summary.Median([3, 1, 2]));
        Assert.Equal(2.5, Summary.Median([4, 1, 2, 3]));
    }

    private static JsonNode Json(params string[] arguments)
    {
        AppResult result = AppProcess.Run(arguments);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return JsonNode.Parse(result.Output)!;
    }
}
