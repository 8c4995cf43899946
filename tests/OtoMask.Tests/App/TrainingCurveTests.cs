using System.Text.Json.Nodes;
using OtoMask.Runs;
using Xunit.Abstractions;

namespace OtoMask.Tests.App;

/// <summary>Training with our kernels against training with ATen's operators alone, from the same seed, on audio: the same curve.</summary>
public sealed class TrainingCurveTests(ITestOutputHelper output) : IDisposable
{
    private const int Steps = 200;
    private const double MostDeviation = 1e-3; // of the loss, at every step
    private const string Best = ""; // OTOMASK_KERNELS unset
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("m2d")]
    [InlineData("msm-mae")]
    public void The_losses_of_200_steps_agree_with_the_unoptimised_path(string framework)
    {
        double[] fast = Losses(framework, Best), plain = Losses(framework, "off");
        Assert.Equal(Steps, fast.Length);
        Assert.Equal(Steps, plain.Length);
        Assert.True(plain[^10..].Average() < 0.95 * plain[..10].Average(), "the loss did not fall, so the curve shows little");
        double largest = fast.Zip(plain, (a, b) => Math.Abs(a - b) / b).Max();
        output.WriteLine($"{framework}: largest relative deviation {largest:E1}, loss {plain[0]:F4} -> {plain[^1]:F4}");
        Assert.InRange(largest, 0, MostDeviation);
    }

    private double[] Losses(string framework, string kernels)
    {
        string audio = Directory.Exists(folder.Inside("audio")) ? folder.Inside("audio") : folder.Audio(clips: 24), run = folder.Inside($"{framework}-{kernels}");
        AppResult result = AppProcess.RunWith(
            "OTOMASK_KERNELS", kernels,
            "pretrain", "--data", audio, "--out", run, "--framework", framework, "--encoder", "48/3/3", "--decoder", "32/2/4", "--input", "80x96", "--batch", "12",
            "--steps", $"{Steps}", "--base-lr", "0.04", "--min-clips", "0", "--evaluate-every", "0", "--checkpoint-every", "1000", "--precision", "fp32");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return [.. File.ReadLines(new RunFolder(run).Log).Select(line => (double)JsonNode.Parse(line)!["loss"]!)];
    }
}
