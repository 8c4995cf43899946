using OtoMask.Interop;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Export;

/// <summary><c>otomask export</c>, in a process of its own, on a run that the program trained.</summary>
public sealed class ExportCommandTests : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_run_goes_out_in_every_format_and_mistakes_are_named()
    {
        string run = folder.Inside("run");
        AppResult trained = AppProcess.Run(["pretrain", "--data", folder.Audio(), .. AppFolder.TinyRun, "--out", run]);
        Assert.True(trained.ExitCode == 0, trained.Error);

        const string Name = "m2d_vit_w16d1h2-80x96p16x16p16k-run";
        string onnx = Export("onnx"), safetensors = Export("safetensors"), pth = Export("pth");
        Assert.StartsWith($"{Name}.onnx: ", onnx);
        Assert.Contains("waveform [batch, samples], float32 at 16000 Hz", onnx);
        Assert.Contains("frames [batch, steps, 80], clip [batch, 80]", onnx);
        Assert.StartsWith($"{Name}.safetensors: ", safetensors);
        Assert.StartsWith($"{Name}/checkpoint.pth: ", pth);
        SafetensorsContent content = SafetensorsFile.Read(folder.Inside($"{Name}.safetensors"), requireChecksum: true);
        PyTorchCheckpoint checkpoint = PyTorchCheckpoint.Read(folder.Inside($"{Name}/checkpoint.pth"));
        Assert.Equal(("80x96", "2"), (content.Metadata["input_size"], content.Metadata["num_heads"]));
        Assert.Equal(content.Tensors.Keys.Order(), checkpoint.Tensors.Keys.Order());
        Assert.All(content.Tensors, pair => Assert.Equal(pair.Value.Data, checkpoint.Tensors[pair.Key].Data));

        Assert.Contains("put it in one that begins with m2d_vit_w16d1h2-80x96p16x16p16k", Export("pth", "--out", "elsewhere.pth", "--encoder-only"));
        Assert.DoesNotContain(PyTorchCheckpoint.Read(folder.Inside("elsewhere.pth")).Tensors.Keys, name => name.StartsWith("decoder", StringComparison.Ordinal));

        AppProcess.Run("export", run, "--format", "tflite").AssertUserError("'tflite'", "onnx, safetensors, pth");
        AppProcess.Run("export", run, "--format", "onnx", "--out", folder.Inside("no/such/folder.onnx")).AssertUserError("folder.onnx", "its folder does not exist");
        AppProcess.Run("export", run, "--format", "pth", "--out", folder.Path).AssertUserError("it is a folder");
        AppProcess.Run("export", folder.Inside("audio"), "--format", "onnx").AssertUserError("audio", "holds no checkpoint");
        AppProcess.Run("export", run).AssertUserError("--format");

        string Export(string format, params string[] options)
        {
            AppResult result = AppProcess.RunProgram("dotnet", [AppProcess.App, "export", run, "--format", format, .. options], start => start.WorkingDirectory = folder.Path);
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
            return result.Output;
        }
    }
}
