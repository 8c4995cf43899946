using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Interop;
using OtoMask.Randomness;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Audio;

namespace OtoMask.Tests.Survival;

/// <summary>A bad clip never stops a run: it is left out and listed with its reason, whatever is wrong with it. An odd one is used.</summary>
[SupportedOSPlatform("linux")]
public sealed class BadClipTests : IDisposable
{
    private const int Rate = AppFolder.Rate;
    private const long MostMemory = 900 << 20; // a day of sound takes 5.5 GB as samples, 2.8 GB as log-mels
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_run_on_a_folder_full_of_bad_and_odd_clips_finishes_and_lists_every_bad_one()
    {
        string audio = folder.Audio();
        string[] bad = AddBadClips(audio);
        AddOddClips(audio);
        folder.Silence("audio/long.wav", seconds: 24 * 3600);
        using (ChangeAllTheTime(Path.Combine(audio, "changing.wav"), seconds: 1))
        using (ChangeAllTheTime(Path.Combine(audio, "changing-long.wav"), seconds: 150))
        {
            using AppProcess app = AppProcess.Start(["pretrain", "--data", audio, "--out", folder.Inside("run"), .. AppFolder.TinyRunOf(epochs: 6)]);
            Assert.InRange(app.PeakMemory(), 1, MostMemory);
            AppResult result = app.Wait();
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.True(Regex.IsMatch(result.Output, @"^warning: \d+ of \d+ clips cannot be used and are left out, such as ", RegexOptions.Multiline), result.Output); // at once, not only in a file at the end
        }
        var run = new RunFolder(folder.Inside("run"));
        Assert.Equal([.. bad.Append("loud.wav").Order(StringComparer.Ordinal)], Listed(run.BadFiles)); // 1e10 times full scale is far outside all others
        JsonNode[] steps = [.. File.ReadLines(run.Log).Select(line => JsonNode.Parse(line)!).Where(row => (string?)row["kind"] == "step")];
        Assert.NotEmpty(steps);
        Assert.All(steps, step => Assert.True((bool)step["applied"]! && double.IsFinite((double)step["loss"]!)));
    }

    [Fact]
    public void A_cache_is_prepared_of_such_a_folder_and_a_run_on_it_finishes()
    {
        string audio = folder.Audio(), cache = folder.Inside("cache");
        string[] bad = AddBadClips(audio);
        AddOddClips(audio);
        folder.Silence("audio/long.wav", seconds: 4 * 3600);
        using (ChangeAllTheTime(Path.Combine(audio, "changing.wav"), seconds: 1))
        {
            using AppProcess prepare = AppProcess.Start("prepare", audio, "--out", cache);
            Assert.InRange(prepare.PeakMemory(), 1, MostMemory);
            AppResult result = prepare.Wait();
            Assert.True(result.ExitCode == 0, result.Error);
        }
        Assert.Equal(bad, Listed(Path.Combine(cache, "bad-files.csv")));
        AppResult run = AppProcess.Run(["pretrain", "--data", cache, "--out", folder.Inside("run"), .. AppFolder.TinyRun]);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    [Fact]
    public void A_clip_far_outside_all_others_is_told_in_one_line_left_out_and_listed_with_and_without_a_cache()
    {
        string audio = folder.Audio(), cache = folder.Inside("cache");
        NpyFile.Write(Path.Combine(audio, "far.npy"), [.. Enumerable.Repeat(900f, 80 * 100)], 80, 100);

        AppResult prepare = AppProcess.Run("prepare", audio, "--out", cache);
        Assert.True(prepare.ExitCode == 0, prepare.Error);
        Assert.Contains("warning: a training will leave out far.npy: its log-mel lies far outside all others (mean ", prepare.Output);
        foreach (string data in (string[])[audio, cache])
        {
            string run = folder.Inside($"run on {Path.GetFileName(data)}");
            AppResult result = AppProcess.Run(["pretrain", "--data", data, "--out", run, .. AppFolder.TinyRun]);
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.Matches(@"(?m)^warning: 1 of 13 clips cannot be used and are left out, such as .*far\.npy: its log-mel lies far outside all others \(", result.Output);
            Assert.Equal(["far.npy"], Listed(new RunFolder(run).BadFiles));
        }
    }

    [UnprivilegedFact]
    public void A_clip_that_may_not_be_read_is_listed()
    {
        string audio = folder.Audio(), run = Directory.CreateDirectory(folder.Inside("place")).FullName;
        foreach ((string path, int mode) in ((string, int)[])[(folder.Path, 0b111_101_101), (audio, 0b111_101_101), (run, 0b111_111_111), (Path.Combine(audio, "clip03.wav"), 0)])
            File.SetUnixFileMode(path, (UnixFileMode)mode);
        AppResult result = UnprivilegedFactAttribute.Run(["pretrain", "--data", audio, "--out", Path.Combine(run, "run"), .. AppFolder.TinyRun]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("clip03.wav,permission denied", File.ReadAllText(Path.Combine(run, "run", "bad-files.csv")));
    }

    [Theory]
    [InlineData("one-sample.wav")]
    [InlineData("constant.wav")]
    [InlineData("silence.wav")]
    [InlineData("loud.wav")]
    [InlineData("192-kHz.wav")]
    [InlineData("eight-channels.flac")]
    [InlineData("vorbis-named.wav")]
    public void An_odd_clip_gives_crops_of_numbers(string name)
    {
        AddOddClips(folder.Path);
        using ClipSource source = ClipSource.Open(folder.Inside(name), new ClipSourceOptions(LogMelSettings.Default));
        foreach (ShortClips filling in Enum.GetValues<ShortClips>())
        {
            var window = new float[80 * 208];
            source.ReadCrop(0, new RandomStream(1, RandomPurpose.Crop), 208, filling, window);
            Assert.All(window, value => Assert.True(float.IsFinite(value)));
        }
    }

    [Fact]
    public void Of_a_recording_too_long_for_memory_that_does_not_tell_its_length_only_the_length_is_kept()
    {
        byte[] flac = File.ReadAllBytes(folder.Sounds.Write("a.flac", SoundFiles.Flac16, SoundFiles.Tone(440, 10, Rate), Rate));
        // STREAMINFO: 36 bits of total samples end at byte 26 of the file; 0 = unknown, as of a stream.
        flac[21] &= 0xF0;
        flac.AsSpan(22, 4).Clear();
        string path = folder.Sounds.WriteBytes("stream.flac", flac);

        Assert.Equal(1001, new LogMelReader(LogMelSettings.Default).ReadWhole(path).LogMel!.Frames);
        var careful = new LogMelReader(LogMelSettings.Default) { LongestSeconds = 5 };
        Assert.Equal((null, 1001), careful.ReadWhole(path));
    }

    /// <summary>Clips without a sound in them; returns their names in order.</summary>
    private string[] AddBadClips(string audio)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(audio, "clip00.wav"));
        string At(string name) => Path.Combine(audio, name);
        foreach (string kind in (string[])["text", "zero-length", "NaN"])
            folder.Broken(kind, Path.Combine(audio, $"{kind}.wav"));
        File.WriteAllBytes(At("cut.wav"), whole[..20]);
        File.WriteAllBytes(At("soundless.wav"), whole[..44]);
        File.WriteAllText(At("text.mp3"), "no audio");
        File.WriteAllText(At("text.m4a"), "no audio");
        File.WriteAllText(At("text.npy"), "no array");
        NpyFile.Write(At("other-shape.npy"), new float[12], 3, 4);
        File.CreateSymbolicLink(At("loop.wav"), At("loop.wav"));
        File.CreateSymbolicLink(At("nowhere.wav"), At("nothing there"));
        Directory.CreateDirectory(At("deeper"));
        Directory.CreateSymbolicLink(At("deeper/and-back"), audio);
        using (System.Diagnostics.Process make = System.Diagnostics.Process.Start("mkfifo", [At("pipe.wav")]))
            make.WaitForExit();
        File.CreateSymbolicLink(At("link-to-pipe.wav"), At("pipe.wav"));
        return ["NaN.wav", "cut.wav", "link-to-pipe.wav", "loop.wav", "nowhere.wav", "other-shape.npy", "pipe.wav", "soundless.wav", "text.m4a", "text.mp3", "text.npy", "text.wav", "zero-length.wav"];
    }

    /// <summary>Clips that are unlike others and have sound, or its absence, in them.</summary>
    private void AddOddClips(string audio)
    {
        void Add(string name, int format, float[] interleaved, int rate = Rate, int channels = 1) =>
            File.Copy(folder.Sounds.Write(name, format, interleaved, rate, channels), Path.Combine(audio, name));
        Add("one-sample.wav", SoundFiles.WavPcm16, [0.5f]);
        Add("constant.wav", SoundFiles.WavPcm16, [.. Enumerable.Repeat(0.7f, 3 * Rate)]);
        Add("silence.wav", SoundFiles.WavPcm16, new float[3 * Rate]);
        Add("loud.wav", SoundFiles.WavFloat, [.. SoundFiles.Tone(440, 3, Rate).Select(sample => sample * 1e10f)]);
        Add("192-kHz.wav", SoundFiles.WavFloat, SoundFiles.Tone(440, 3, 192_000), 192_000);
        Add("eight-channels.flac", SoundFiles.Flac16, [.. SoundFiles.Tone(440, 3, Rate).SelectMany(sample => Enumerable.Repeat(sample, 8))], Rate, channels: 8);
        Add("vorbis-named.wav", SoundFiles.OggVorbis, SoundFiles.Tone(440, 3, Rate));
    }

    /// <summary>Cuts a clip short and makes it whole again, over and over, until disposed.</summary>
    private static Changing ChangeAllTheTime(string path, double seconds)
    {
        AudioFile.WriteWav(path, SoundFiles.Tone(440, seconds, Rate), Rate);
        return new Changing(path, File.ReadAllBytes(path));
    }

    /// <summary>The names in a list of bad clips that have a reason, without the ones that change, which may or may not be there.</summary>
    private static string[] Listed(string csv) =>
    [
        .. File.ReadAllLines(csv)[1..].Select(line => line.Split(',', 2)).Where(fields => fields[1].Length > 3)
            .Select(fields => Path.GetFileName(fields[0].Trim('"'))).Where(name => !name.StartsWith("changing", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
    ];

    private sealed class Changing : IDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private readonly Task work;

        public Changing(string path, byte[] whole) => work = Task.Run(() =>
        {
            for (int turn = 0; !stop.IsCancellationRequested; turn++)
            {
                using (FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
                {
                    file.SetLength(turn % 3 * whole.Length / 4 + 1);
                    Thread.Sleep(2);
                    file.Write(whole);
                }
                Thread.Sleep(2);
            }
        });

        public void Dispose()
        {
            stop.Cancel();
            work.Wait();
            stop.Dispose();
        }
    }
}
