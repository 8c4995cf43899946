using System.Diagnostics;
using System.Text;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Interop;
using OtoMask.Studies;
using OtoMask.Studies.Masks;
using OtoMask.Tests.Interop;

namespace OtoMask.Tests;

/// <summary>Files that strangers left where a configuration, a log, a table or a cache is expected: pipes, devices, holes of many gigabytes, no UTF-8.</summary>
public sealed class InputFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose()
    {
        using (Process remove = Process.Start("rm", ["-rf", folder.Path])) // .NET cannot name all that lies in it
            remove.WaitForExit();
        Directory.CreateDirectory(folder.Path);
        folder.Dispose();
    }

    /// <summary>Every reader of text and JSON of a foreign folder, and the file of it that it reads first.</summary>
    public static TheoryData<string> Readers => [.. Read.Keys];

    private static Dictionary<string, Action<string>> Read { get; } = new()
    {
        ["config.yaml"] = path => ConfigFile.Read(path),
        ["study.yaml"] = path => StudyFile.Read(path),
        ["rows.jsonl"] = path => JsonLines.Read<StudyRow>(path),
        ["masks.json"] = path => StudyMasks.Read(new StudyFolder(Path.GetDirectoryName(path)!)),
        ["cache.json"] = path => LogMelCache.Open(Path.GetDirectoryName(path)!, LogMelSettings.Default),
        ["log.jsonl"] = path => OtoMask.Runs.RunLog.Read(path),
        ["metrics.json"] = path => OtoMask.App.Reports.ProbeFile.Read(path),
        ["task.csv"] = path => LabelledTask.Read(path),
        ["bad-files.csv"] = path => new BadFiles().AddCsv(path),
        ["model.safetensors"] = path => SafetensorsFile.Read(path),
        ["model.pth"] = path => PyTorchCheckpoint.Read(path),
        ["clip.npy"] = path => NpyFile.Read(path),
    };

    [Theory, MemberData(nameof(Readers))]
    public void A_pipe_or_a_device_is_refused_before_it_is_opened(string name)
    {
        string path = folder.File(name);
        using (Process make = Process.Start("mkfifo", [path]))
            make.WaitForExit();
        Refused(() => Read[name](path), "is a pipe or a device; name a file");
        File.Delete(path);
        File.CreateSymbolicLink(path, "/dev/zero");
        Refused(() => Read[name](path), "is a pipe or a device; name a file");
    }

    [Theory, MemberData(nameof(Readers))]
    public void A_hole_of_many_gigabytes_takes_no_memory(string name)
    {
        string path = folder.File(name);
        using (FileStream hole = File.Create(path))
            hole.SetLength(1L << 36);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused(() => Read[name](path), "");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    [Fact]
    public void A_log_mel_of_eight_gigabytes_is_a_bad_clip()
    {
        string path = folder.File("clip.npy");
        byte[] head = NpyHeader.Encode("<f4", [80, 26_000_000]);
        using (FileStream hole = File.Create(path))
        {
            hole.Write(head);
            hole.SetLength(head.Length + 80L * 26_000_000 * sizeof(float));
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        var bad = Assert.Throws<BadClipException>(() => new LogMelReader(LogMelSettings.Default).ReadWhole(path));
        Assert.Contains("values are more than", bad.Reason);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData("utf-8", "Bär\n", null)]
    [InlineData("utf-8", "", null)]
    [InlineData("latin1", "a\nb\nBär\n", "line 3: is not UTF-8; save it as UTF-8")]
    [InlineData("utf-16", "a\nb\n", "line 1: is UTF-16; save it as UTF-8")]
    [InlineData("utf-16BE", "a\nb\n", "line 1: is UTF-16; save it as UTF-8")]
    [InlineData("utf-8", "a\nb\0\n", "line 2: holds a zero byte")]
    public void Text_is_UTF_8_or_refused_with_its_line(string encoding, string text, string? said)
    {
        Encoding writer = encoding == "utf-8" ? new UTF8Encoding(encoderShouldEmitUTF8Identifier: true) : Encoding.GetEncoding(encoding);
        string path = folder.File("text");
        File.WriteAllText(path, text, writer);
        if (said is null)
            Assert.Equal(text, InputFile.ReadText(path, 100));
        else
            Refused(() => InputFile.ReadText(path, 100), said);
        File.WriteAllBytes(path, Encoding.Unicode.GetBytes("a\nb\n")); // without a mark
        Refused(() => InputFile.ReadText(path, 100), "line 1: holds a zero byte, so it is UTF-16 or no text; save it as UTF-8");
    }

    [Fact]
    public void A_log_is_read_line_by_line_and_what_is_no_line_refused()
    {
        string path = folder.File("log.jsonl");
        File.WriteAllText(path, "{}\n\n{\"a\": 1}");
        Assert.Equal(["{}", "", "{\"a\": 1}"], InputFile.ReadLines(path));
        File.WriteAllText(path, "{}\n" + new string('x', (1 << 20) + 1));
        Refused(() => InputFile.ReadLines(path).Count(), "line 2: longer than");
    }

    [Fact]
    public void A_file_is_the_same_under_every_name()
    {
        string path = folder.File("a"), copy = folder.File("copy"), link = folder.File("link"), hard = folder.File("hard"), linked = folder.File("linked");
        File.WriteAllText(path, "x");
        File.WriteAllText(copy, "x");
        File.CreateSymbolicLink(link, path);
        Directory.CreateSymbolicLink(linked, folder.Path);
        using (Process make = Process.Start("ln", [path, hard]))
            make.WaitForExit();
        Assert.All((string[])[link, hard, Path.Combine(linked, "a"), Path.Combine(folder.Path, ".", "a")], other => Assert.Equal(FileStatus.Of(path), FileStatus.Of(other)));
        Assert.NotEqual(FileStatus.Of(path), FileStatus.Of(copy));
        Assert.Null(FileStatus.Of(folder.File("nothing")));
    }

    [Fact]
    public void A_name_that_is_not_UTF_8_is_listed_as_bad_with_the_reason()
    {
        AudioFile.WriteWav(folder.File("good.wav"), new float[1600], 16000);
        using (Process make = Process.Start("bash", ["-c", "cd \"$1\" && cp good.wav $'b\\xe4d.wav' && cp good.wav $'b\\xe4d.npy' && mkdir $'D\\xf6r' && cp good.wav $'D\\xf6r/x.wav' && touch $'n\\xf6.txt'", "bash", folder.Path]))
            make.WaitForExit();
        using ClipSource source = ClipSource.Open(folder.Path, new ClipSourceOptions(LogMelSettings.Default));
        Assert.Equal(4, source.Clips.Count);
        var window = new float[80 * 8];
        int bad = 0;
        for (int clip = 0; clip < source.Clips.Count; clip++)
        {
            if (source.Clips[clip].Name == "good.wav")
                source.ReadCrop(clip, default, 8, default, window);
            else
            {
                bad++;
                Assert.Contains("its name is not UTF-8, so it cannot be opened; rename it", Assert.Throws<BadClipException>(() => source.ReadCrop(clip, default, 8, default, window)).Reason);
            }
        }
        Assert.Equal(3, bad);
    }

    private static void Refused(Action read, string said)
    {
        var error = Assert.Throws<UserErrorException>(read);
        Assert.Contains(said, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }
}
