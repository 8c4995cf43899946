using OtoMask.Tests.App;
using OtoMask.Tests.Audio;
using Xunit.Abstractions;

namespace OtoMask.Tests.Survival.Fuzzing;

/// <summary>
/// Damaged recordings of every kind, decoded by <c>otomask prepare</c> in a process of its own: a crash in a decoder, an endless loop or memory that
/// a header claims would show there. <c>tools/fuzz SECONDS</c> takes longer.
/// </summary>
public sealed class AudioFuzzTests(ITestOutputHelper output) : IDisposable
{
    private const int FilesAtOnce = 250, Fewest = 1000;
    private const long MostMemory = 800 << 20;
    private const int Rate = 16000;

    private static readonly (string Extension, int Format)[] Formats =
    [
        ("wav", SoundFiles.WavPcm16), ("wav", SoundFiles.WavFloat), ("flac", SoundFiles.Flac16), ("ogg", SoundFiles.OggVorbis), ("opus", SoundFiles.OggOpus), ("mp3", SoundFiles.Mp3),
        ("aiff", 0x020002), ("au", 0x030002), ("w64", 0x0B0002), ("wav", 0x130002), ("caf", 0x180002), ("rf64", 0x220002),
    ];

    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Recordings_that_libsndfile_decodes()
    {
        (string Extension, byte[] File)[] seeds = [.. Formats.Select(kind => (kind.Extension, File.ReadAllBytes(
            folder.Sounds.Write("seed", kind.Format, SoundFiles.Tone(440, 0.25, Rate), kind.Extension == "opus" ? 48000 : Rate))))];
        DateTime end = DateTime.UtcNow + Fuzzer.Time;
        long number = Fuzzer.First;
        do
        {
            // Without a PATH there is no ffmpeg, which would be asked about every file and takes a tenth of a second for each.
            Decode(seeds, number, FilesAtOnce, path: "/nonexistent");
            number += FilesAtOnce;
        }
        while (number - Fuzzer.First < Fewest || DateTime.UtcNow < end);
        output.WriteLine($"{number - Fuzzer.First} files");
    }

    [Fact]
    public void Recordings_that_ffmpeg_is_asked_about()
    {
        string seed = folder.Sounds.PathOf("seed.m4a");
        AppResult made = AppProcess.RunProgram("ffmpeg", ["-v", "error", "-i", folder.Sounds.Write("seed.wav", SoundFiles.WavPcm16, SoundFiles.Tone(440, 0.25, Rate), Rate), seed], _ => { });
        Assert.True(made.ExitCode == 0, made.Error);
        Decode([("m4a", File.ReadAllBytes(seed)), ("wav", File.ReadAllBytes(seed))], Fuzzer.First, 12, Environment.GetEnvironmentVariable("PATH")!);
    }

    /// <summary>Decodes damaged files from a number on, beside one good file, so that there is always something to prepare.</summary>
    private void Decode((string Extension, byte[] File)[] seeds, long first, int count, string path)
    {
        string audio = folder.Audio($"audio {first}", clips: 1), cache = folder.Inside($"cache {first}");
        for (long number = first; number < first + count; number++)
        {
            (string extension, byte[] file) = seeds[number % seeds.Length];
            File.WriteAllBytes(Path.Combine(audio, $"{number}.{extension}"), Damage.Of([file], number));
        }
        using AppProcess app = AppProcess.StartProgram("dotnet", [AppProcess.App, "prepare", audio, "--out", cache], start => start.Environment["PATH"] = path);
        long peak = app.PeakMemory();
        AppResult result = app.Wait();
        Assert.True(result.ExitCode == 0, $"numbers {first} to {first + count - 1} (OTOMASK_FUZZ_FROM={first}): exit code {result.ExitCode}: {result.Error}");
        Assert.InRange(peak, 1, MostMemory);
    }
}
