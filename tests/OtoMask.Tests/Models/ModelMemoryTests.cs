using System.Text.Json.Nodes;
using OtoMask.Configuration;
using OtoMask.Models;
using OtoMask.Tests.App;
using OtoMask.Torch;

namespace OtoMask.Tests.Models;

/// <summary>What is said of memory before it is asked for.</summary>
public class ModelMemoryTests
{
    /// <summary>The memory of the real program, in a process of its own, grows from one batch to a larger one by what the formula says, up to a factor of two,
    /// and never by less than three quarters of it; what a process takes in any case falls out of the difference.</summary>
    [Theory]
    [InlineData("auto", "--framework", "m2d", "--decoder", "192/2/3")]
    [InlineData("auto", "--framework", "msm-mae", "--decoder", "96/2/3")]
    [InlineData("auto", "--framework", "m2d", "--decoder", "192/2/3", "--checkpoint-activations", "true")]
    [InlineData("auto", "--framework", "eat", "--decoder", "192/2/16", "--clones", "3")]
    [InlineData("off", "--framework", "msm-mae", "--decoder", "96/2/3")]
    public void A_step_takes_what_its_shapes_say(string kernels, params string[] model)
    {
        const int Small = 16, Large = 112;
        string[] common = ["--encoder", "192/4/3", "--input", "80x608", "--mask", "random", .. model];
        PretrainingConfig config = new() { Data = "x" };
        for (int i = 0; i < common.Length; i += 2)
            config = ConfigKeys.Find(common[i][2..]).Set(config, common[i + 1]);
        var memory = new ModelMemory(DType.Float32, kernels == "auto" && TorchRuntime.BestKernels >= KernelSet.Avx2, TorchRuntime.Threads, config.CheckpointActivations);
        double Said(int batch) => memory.Training(config.Framework, config.ModelShape, batch, config.VisiblePatches, config.Clones, 16, 5, readsFeatures: false);
        double Measured(int batch)
        {
            AppResult result = AppProcess.RunWith("OTOMASK_KERNELS", kernels == "off" ? kernels : "", ["bench", "train", "--json", "--steps", "2", "--batch", $"{batch}", .. common]);
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
            return (double)JsonNode.Parse(result.Output)!["peak_rss_mb"]! * (1 << 20);
        }

        double said = Said(Large) - Said(Small), measured = Measured(Large) - Measured(Small);
        Assert.InRange(measured / said, 0.75, 2);
    }

    /// <summary>Attention of a long input: however few the clips, every thread needs the N x N numbers of its head, and ATen those of every head.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public void A_long_input_is_too_much_at_any_batch(bool hasKernels)
    {
        PretrainingConfig config = new() { Data = "x", Input = "80x96000", Framework = KnownFrameworks.MsmMae };
        var memory = new ModelMemory(DType.Float32, hasKernels, Threads: 2);
        const double EachHead = 30001.0 * 30001 * sizeof(float);
        Assert.InRange(memory.Training(config.Framework, config.ModelShape, clips: 1, visible: 7500, masks: 1, 16, 5, readsFeatures: false), 2 * 4 * EachHead, 3 * 4 * EachHead);
        Assert.InRange(memory.Encoding(config.ModelShape, clips: 1, tokens: 30001), 2 * 2 * EachHead, 4 * 2 * EachHead);
    }

    [Fact]
    public void The_most_that_fits_is_found_to_the_clip()
    {
        long available = HostMemory.Available!.Value, each = available / 1000; // 900 to 1,100 fit, whatever else the machine does meanwhile
        Assert.InRange(ModelMemory.MostThatFit(clips => clips * each, 1 << 20)!.Value, 900, 1100);
        Assert.Equal(7, ModelMemory.MostThatFit(clips => clips <= 7 ? 1 : long.MaxValue, 1000));
        Assert.Equal(5, ModelMemory.MostThatFit(clips => clips, 5));
        Assert.Equal(0, ModelMemory.MostThatFit(_ => long.MaxValue, 5));
        Assert.Equal(7, ModelMemory.AtOnce("work", clips => clips <= 7 ? 1 : long.MaxValue, 1000));
        Assert.Contains("not even one clip", Assert.Throws<UserErrorException>(() => ModelMemory.AtOnce("work", _ => long.MaxValue / 2, 5)).Message);
    }

    /// <summary>What cannot fit is said in one line before anything is read or made; what fits is not refused for what it would take elsewhere.</summary>
    [Fact]
    public void A_step_that_cannot_fit_is_refused_with_what_to_lower()
    {
        PretrainingConfig config = new() { Data = "x", Input = "80x96000", Batch = 256, Size = "large" };
        string message = Assert.Throws<UserErrorException>(() => config.Validate().RequireMemory()).Message;
        Assert.Matches(@"a step of 256 clips of 80x96000 in 30000 patches of 16x16 takes at least \d+\.\d GB of memory, and \d+\.\d GB can be had here, enough for .*; lower batch .* or checkpoint-activations true$", message);
        Assert.DoesNotContain('\n', message);
        (config with { Device = "cuda:0" }).RequireMemory();
        (config with { Input = "80x96", Batch = 2, Size = "tiny" }).RequireMemory();
        Assert.Contains("is too large for one array", Assert.Throws<UserErrorException>(() => (config with { Batch = 4096 }).Validate()).Message);
    }
}
