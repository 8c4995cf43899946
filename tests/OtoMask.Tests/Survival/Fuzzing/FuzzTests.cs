using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OtoMask.App.Reports;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Corpora.Imports;
using OtoMask.Data;
using OtoMask.FineTuning;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Studies;
using OtoMask.Studies.Masks;
using OtoMask.Tests.FineTuning;
using OtoMask.Tests.Interop;
using OtoMask.Tests.Pretraining;
using OtoMask.Torch;
using OtoMask.Weights;
using Xunit.Abstractions;

namespace OtoMask.Tests.Survival.Fuzzing;

/// <summary>Files from strangers, damaged at random and on purpose. <c>tools/fuzz SECONDS</c> takes longer over each kind.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public sealed class FuzzTests(ITestOutputHelper output)
{
    [Fact]
    public void Npy() => Fuzzer.Run(
        [
            NpyOf("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), }", 96),
            NpyOf("{'descr': '<i8', 'fortran_order': True, 'shape': (2, 3), }", 48),
            NpyOf("{'descr': '<f2', 'fortran_order': False, 'shape': (), }", 2),
        ],
        "x.npy", path => NpyFile.Read(path), output);

    [Fact]
    public void Safetensors() => Fuzzer.Run(
        [
            SafetensorsOf("""{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"__metadata__":{"k":"v"},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}"""u8, new byte[32]),
        ],
        "x.safetensors", path => SafetensorsFile.Read(path), output);

    /// <summary>The checksum is right, so what is damaged is what the checkpoint says of itself.</summary>
    [Fact]
    public void Checkpoints()
    {
        using var data = new TrainingFolder();
        byte[] file = File.ReadAllBytes(data.Train("run", data.Config with { Steps = 1, Epochs = null }).LatestCheckpoint);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        byte[] tensors = file[(sizeof(long) + header)..];
        Fuzzer.Run(
            [file[sizeof(long)..(sizeof(long) + header)]], "x.safetensors",
            path =>
            {
                SavedModel.Open(path).LoadEncoder(Device.Cpu).Dispose();
                Checkpoint.Read(path).LoadModel(Device.Cpu).Dispose();
            },
            output, damaged => WithChecksum(damaged, tensors));
    }

    [Fact]
    public void Fine_tuned_models()
    {
        using var data = new FineTuningFolder();
        byte[] file = File.ReadAllBytes(data.Train("run", data.Config with { Epochs = 1 }).Folder.BestCheckpoint);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        byte[] tensors = file[(sizeof(long) + header)..];
        Fuzzer.Run(
            [file[sizeof(long)..(sizeof(long) + header)]], "x.safetensors", path => Predictor.Open(path, Device.Cpu).Dispose(), output,
            damaged => WithChecksum(damaged, tensors));
    }

    [Fact]
    public void PyTorch_archives() => Fuzzer.Run([PyTorchSamples.Zip(PyTorchSamples.OneTensor)], "x.pth", path => PyTorchCheckpoint.Read(path), output);

    /// <summary>The archive and its checksums are whole, so the pickle machine meets every damage.</summary>
    [Fact]
    public void PyTorch_pickles() => Fuzzer.Run([PyTorchSamples.OneTensor, Nested], "x.pth", path => PyTorchCheckpoint.Read(path), output, PyTorchSamples.Zip);

    [Fact]
    public void PyTorch_files_of_old() => Fuzzer.Run([PyTorchSamples.Legacy], "x.pth", path => PyTorchCheckpoint.Read(path), output);

    [Fact]
    public void Published_models() => Fuzzer.Run(
        [.. Directory.GetFiles(Fixture.Path("checkpoints"), "half.pth").Select(File.ReadAllBytes)],
        "m2d_vit_base-80x96p16x16.pth", path => SavedModel.Open(path).LoadEncoder(Device.Cpu).Dispose(), output);

    /// <summary>Without our checksum, which would notice everything: as other programs write them.</summary>
    [Fact]
    public void Published_models_as_safetensors()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("x.safetensors");
        var shape = new ModelShape(new InputGeometry(80, 32, 16, 16), new(4, 1, 1), new(4, 1, 1));
        using (MaskedModel model = KnownFrameworks.M2d.CreateModel(shape, seed: 1, Device.Cpu))
            SafetensorsFile.Write(path, ModelWeights.Entries(model));
        byte[] file = Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(File.ReadAllBytes(path)).Replace("otomask.sha256", "another.sha256", StringComparison.Ordinal));
        Fuzzer.Run([file], "80x32p16x16.safetensors", path => SavedModel.Open(path).LoadEncoder(Device.Cpu).Dispose(), output);
    }

    [Fact]
    public void Configurations() => Fuzzer.Run(
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "configs"), "*.yaml").Select(File.ReadAllBytes), Encoding.UTF8.GetBytes(ConfigFile.ToYaml(new PretrainingConfig { Data = "x" }))],
        "x.yaml", path => ConfigFile.Read(path).Validate(), output);

    [Fact]
    public void Studies() => Fuzzer.Run(
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "configs"), "study-*.yaml").Select(File.ReadAllBytes)], "x.yaml", path => StudyFile.Read(path), output);

    [Fact]
    public void Tasks_and_lists_of_clips() => Fuzzer.Run(
        ["file_name,label,split,group,fold\na.wav,x,train,g,1\n\"b,c.wav\",x;y,test,,2\nd.wav,y,valid,g,3\n"u8.ToArray()],
        "x.csv",
        path =>
        {
            ClipSource.Open(path, new ClipSourceOptions(LogMelSettings.Default)).Dispose();
            LabelledTask.Read(path);
        },
        output);

    [Fact]
    public void Lists_of_bad_files() =>
        Fuzzer.Run(["path,reason\n/a.wav,\"it, says \"\"no\"\"\"\n"u8.ToArray()], "bad-files.csv", path => new BadFiles().AddCsv(path), output);

    [Fact]
    public void Logs_to_read() => Fuzzer.Run([Log], "log.jsonl", path => RunLog.Read(path), output);

    [Fact]
    public void Logs_to_go_on_with() => Fuzzer.Run([Log], "log.jsonl", path =>
    {
        string folder = Path.GetDirectoryName(path)!;
        new LogWriter(new RunFolder(folder), step: 1).Dispose();
        foreach (string events in Directory.GetFiles(folder, "events.*"))
            File.Delete(events);
    }, output);

    [Fact]
    public void Rows_of_studies() => Fuzzer.Run(
        [File.ReadAllBytes(Path.Combine(Repository.Root, "docs/study-mini/rows.jsonl"))[..2000]], "rows.jsonl", path => JsonLines.Read<StudyRow>(path), output);

    [Fact]
    public void Masks_of_studies()
    {
        using var folder = new TemporaryFolder();
        var study = new StudyFolder(folder.Path);
        new StudyMasks(
            "key", Crops: 2, "32x32", "16x16", SampleRate: 16000, Progress: [0, 1], [new("tones", "music", "a.wav", "low", [-1, 0.5f])],
            [new("msm-mae", "dwm", "dwm", 0.75, [1, 0], [[1, 0, 1, 1], [0, 1, 1, 1]], [[0.5], [1]], [[[0, 2, 3], [1, 2, 3]]])], ["m2d: no time"]).Write(study);
        byte[] seed = File.ReadAllBytes(study.Masks);
        Fuzzer.Run([seed], Path.GetFileName(study.Masks), path => StudyMasks.Read(new StudyFolder(Path.GetDirectoryName(path)!)), output);
    }

    [Fact]
    public void Scores_of_probes() => Fuzzer.Run(
        [
            """
            {"task":"drums","task_sha256":"00","results":[
            {"encoder":"run","evaluation":"linear","mode":"tuned","metric":"accuracy","value":91.5,"interval95_over_seeds":[90,93],"seed":[42],"notes":[]},
            {"encoder":"run","evaluation":"knn","mode":"tuned","metric":"accuracy","value":80}],"differences":[],"unreadable":[]}
            """u8.ToArray(),
        ],
        "metrics.json", path => ProbeFile.Read(path), output);

    [Fact]
    public void Notes_of_NSynth() => Fuzzer.Run(
        ["""{"bass_1": {"note": 7, "instrument_family_str": "bass", "qualities": [0, 1]}, "reed_2": {"instrument_family_str": "reed"}}"""u8.ToArray()],
        "examples.json", path => NSynthExamples.Read(path).Count(), output);

    [Theory]
    [InlineData("cache.json")]
    [InlineData("clips.jsonl")]
    [InlineData("log-mels.f32")]
    public void Caches(string damagedFile)
    {
        using var data = new TrainingFolder(clips: 3);
        string cache = Path.Combine(data.Path, "cache");
        using (ClipSource source = ClipSource.Open(data.Audio, new ClipSourceOptions(LogMelSettings.Default)))
            LogMelCache.Prepare(source.Clips, LogMelSettings.Default, cache);
        Fuzzer.Run([File.ReadAllBytes(Path.Combine(cache, damagedFile))], damagedFile, path =>
        {
            StrangePlace.Move(path, Path.Combine(cache, damagedFile));
            LogMelCache.Open(cache, LogMelSettings.Default).Dispose();
        }, output);
    }

    private static byte[] Log =>
        """
        {"kind":"evaluation","step":0,"epoch":0,"metric":"rankme","value":7.1}
        {"kind":"step","step":1,"epoch":0,"loss":1.5,"lr":0.1,"hint":1,"ema":0.9,"grad_norm":null,"applied":true,"clips_per_second":10.5,"data_wait":0.1,"mask_ms":2}
        {"kind":"change","step":1,"key":"batch","old":"4","new":"8"}
        {"kind":"warning","step":1,"message":"another version"}

        """u8.ToArray();

    private static byte[] Nested => new PickleBuilder().Dictionary(
        ("model", p => p.Dictionary(("w", q => q.Tensor(PyTorchSamples.Elements.Length, offset: 1, shape: [2, 2], strides: [1, 2])))),
        ("args", p => p.Call("argparse", "Namespace")),
        ("list", p => p.List(q => q.True(), q => q.Text("x")))).ToArray();

    private static byte[] NpyOf(string header, int dataBytes) =>
        [0x93, .. "NUMPY"u8, 1, 0, .. BitConverter.GetBytes((ushort)header.Length), .. Encoding.ASCII.GetBytes(header), .. new byte[dataBytes]];

    private static byte[] SafetensorsOf(ReadOnlySpan<byte> header, byte[] data) => [.. BitConverter.GetBytes((long)header.Length), .. header, .. data];

    /// <summary>A safetensors file whose checksum is right, where the header still has one.</summary>
    private static byte[] WithChecksum(byte[] header, byte[] data)
    {
        const int DigestLength = 64;
        byte[] key = Encoding.ASCII.GetBytes($"\"{SafetensorsHeader.DigestKey}\":\"");
        int digest = header.AsSpan().IndexOf(key) + key.Length;
        if (digest < key.Length || digest + DigestLength > header.Length)
            return SafetensorsOf(header, data);
        header.AsSpan(digest, DigestLength).Fill((byte)'0');
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(SafetensorsOf(header, data)))).CopyTo(header, digest);
        return SafetensorsOf(header, data);
    }
}
