using System.Security.Cryptography;
using OtoMask.Export;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Tests.App;
using OtoMask.Tests.Interop;

namespace OtoMask.Tests.Export;

/// <summary>Exported checkpoints, read by PyTorch itself and by our own reader.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class PyTorchExportTests : IDisposable
{
    // A line a tensor: name, sizes, type, SHA-256 of its bytes; and the arguments.
    private const string Show = """
        import hashlib, sys, torch
        for options in ({}, {"weights_only": True}):
            checkpoint = torch.load(sys.argv[1], map_location="cpu", **options)
            for name, tensor in checkpoint["model"].items():
                assert tensor.is_contiguous() and not tensor.requires_grad
                print(name, list(tensor.shape), tensor.dtype, hashlib.sha256(tensor.numpy().tobytes()).hexdigest())
            print(checkpoint["args"]["model"], checkpoint["args"]["input_size"], checkpoint["args"]["patch_size"], checkpoint["args"]["num_heads"])
        """;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [PythonTheory("torch")]
    [InlineData("m2d", "m2d_vit_w32d2h4")]
    [InlineData("msm-mae", "msm_mae_vit_w32d2h4")]
    public void PyTorch_loads_the_same_bits(string frameworkName, string name)
    {
        Framework framework = KnownFrameworks.Find(frameworkName);
        using SampleModel sample = Samples.Model(framework);
        ExportedModel model = sample.Exported();
        string path = folder.File("checkpoint.pth");
        PyTorchExport.Write(model, path);
        AppResult python = PythonTheoryAttribute.Run(Show, path);
        Assert.Equal((0, ""), (python.ExitCode, python.Error));
        string[] once = [.. model.Weights.Select(entry => $"{entry.Name} [{string.Join(", ", entry.Shape)}] torch.float32 {Hash(entry)}"), $"{name} [80, 48] [16, 8] 4"];
        Assert.Equal([.. once, .. once], python.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>What we write has every tensor of a checkpoint of the field, in the same shape, and nothing else.</summary>
    [Theory, Trait("Category", "Fixtures")]
    [InlineData("m2d", "m2d.pth")]
    [InlineData("msm-mae", "msm_mae.pth")]
    public void It_has_the_tensors_of_the_field(string frameworkName, string fixture)
    {
        Framework framework = KnownFrameworks.Find(frameworkName);
        IReadOnlyDictionary<string, HostTensor> published = PyTorchCheckpoint.Read(Fixture.Path(fixture)).Tensors;
        using SampleModel sample = Samples.Reference(framework, fixture);
        string path = folder.File("checkpoint.pth");
        PyTorchExport.Write(sample.Exported(), path);
        IReadOnlyDictionary<string, HostTensor> written = PyTorchCheckpoint.Read(path).Tensors;
        Assert.Equal(published.Keys.Order(), written.Keys.Order());
        Assert.All(written, pair =>
        {
            Assert.Equal(published[pair.Key].Shape, pair.Value.Shape);
            Assert.Equal(published[pair.Key].Data, pair.Value.Data);
        });
    }

    [Fact]
    public void An_encoder_alone_leaves_out_what_predicts()
    {
        using SampleModel sample = Samples.Model();
        string path = folder.File("checkpoint.pth");
        PyTorchExport.Write(sample.Exported(encoderOnly: true), path);
        PyTorchCheckpoint read = PyTorchCheckpoint.Read(path);
        Assert.All(read.Tensors.Keys, name => Assert.Matches("^(norm_stats|pos_embed|cls_token|patch_embed|blocks|norm)", name));
        Assert.DoesNotContain("decoder_depth", Assert.IsType<PickledDictionary>(Assert.IsType<PickledDictionary>(read.Root)["args"]).Keys);
        Assert.Equal(["norm_stats", .. sample.Encoder.Parameters.Select(parameter => parameter.Name), "pos_embed"], read.Tensors.Keys);
    }

    [Fact]
    public void Equal_models_make_equal_files()
    {
        using SampleModel sample = Samples.Model();
        string[] paths = [folder.File("a.pth"), folder.File("b.pth")];
        foreach (string path in paths)
            PyTorchExport.Write(sample.Exported(), path);
        Assert.Equal(File.ReadAllBytes(paths[0]), File.ReadAllBytes(paths[1]));
    }

    private static string Hash(SafetensorsEntry entry)
    {
        var bytes = new byte[HostTensor.ByteCount(entry.DType, entry.Shape)];
        entry.Fill(bytes);
        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }
}
