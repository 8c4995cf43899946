using OtoMask.Audio;
using OtoMask.Evaluation;
using OtoMask.Export;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Tests.App;
using OtoMask.Tests.Interop;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Export;

/// <summary>What we export we open again, under any name, without being told anything about it.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class RoundTripTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("pth", "m2d")]
    [InlineData("pth", "msm-mae")]
    [InlineData("pth", "eat")]
    [InlineData("safetensors", "eat")]
    [InlineData("safetensors", "m2d")]
    [InlineData("safetensors", "msm-mae")]
    public void The_whole_model_comes_back(string format, string frameworkName)
    {
        Framework framework = KnownFrameworks.Find(frameworkName);
        using SampleModel sample = Samples.Model(framework, logMel: LogMelSettings.ThirtyTwoKilohertz);
        SavedModel opened = WriteAndOpen(format, sample, encoderOnly: false);
        ModelShape shape = sample.Model.Shape;
        Assert.Equal((framework, shape.Encoder, shape.Decoder, sample.Snapshot.Input, sample.Snapshot.LogMel, sample.Snapshot.Statistics), (opened.Framework, opened.Encoder, opened.Decoder, opened.Input, opened.LogMel, opened.Normalisation));
        Assert.Empty(opened.Notes);
        using MaskedModel model = opened.LoadModel(Device.Cpu);
        foreach ((Parameter expected, Parameter actual) in sample.Model.Parameters.Zip(model.Parameters))
            Assert.Equal(expected.Value.ToArray<float>(), actual.Value.ToArray<float>());
    }

    [Theory]
    [InlineData("pth")]
    [InlineData("safetensors")]
    public void The_encoder_alone_comes_back(string format)
    {
        using SampleModel sample = Samples.Model();
        SavedModel opened = WriteAndOpen(format, sample, encoderOnly: true);
        Assert.Null(opened.Framework);
        using EncoderSnapshot back = opened.LoadEncoder(Device.Cpu);
        LogMel clip = new LogMelExtractor(sample.Snapshot.LogMel).Compute(AppFolder.Sound(1, 1));
        Assert.Equal(sample.Snapshot.Encode(clip).Values, back.Encode(clip).Values);
    }

    /// <summary>And is exported again: of an encoder alone, only an encoder.</summary>
    [Fact]
    public void What_came_back_goes_out_again()
    {
        using SampleModel sample = Samples.Model();
        using ExportedModel again = ExportedModel.Of(WriteAndOpen("safetensors", sample, encoderOnly: true), encoderOnly: false);
        string[] paths = [folder.File("weights.safetensors"), folder.File("again.safetensors")];
        SafetensorsExport.Write(again, paths[1]);
        Assert.Equal(File.ReadAllBytes(paths[0]), File.ReadAllBytes(paths[1]));
    }

    [Fact]
    public void Metadata_that_lies_is_refused_or_passed_over()
    {
        using SampleModel sample = Samples.Model();
        string path = folder.File("weights.safetensors");
        SafetensorsExport.Write(sample.Exported(), path);
        SafetensorsContent content = SafetensorsFile.Read(path);
        string Refused(string key, string value)
        {
            SafetensorsFile.Write(path, content.Tensors, new Dictionary<string, string>(content.Metadata) { [key] = value });
            return Assert.Throws<UserErrorException>(() => SavedModel.Open(path)).Message;
        }
        Assert.Contains("its metadata", Refused("input_size", "80x96"));
        Assert.Contains("its metadata", Refused("patch_size", "16x16"));
        Assert.Contains("input is not known", Refused("input_size", "wide"));
        Assert.Contains("5 heads", Refused("num_heads", "5"));
    }

    private SavedModel WriteAndOpen(string format, SampleModel sample, bool encoderOnly)
    {
        string path = folder.File($"weights.{format}");
        KnownExports.Find(format).Write(sample.Exported(encoderOnly), path);
        return SavedModel.Open(path);
    }
}
