using OtoMask.App.Commands;
using OtoMask.Audio;
using OtoMask.Interop;

namespace OtoMask.Tests.Commands;

public sealed class LogMelCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-logmel-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("16000")]
    [InlineData("32000")]
    public void The_file_holds_eighty_bands_at_a_hundred_frames_a_second(string sampleRate)
    {
        string wav = Path.Combine(folder, "noise.wav"), npy = Path.Combine(folder, "noise.npy");
        AudioFile.WriteWav(wav, [.. Enumerable.Range(0, 16000).Select(i => (i * 7919 % 1000 / 1000f) - 0.5f)], 16000);
        CommandRunner.Run(LogMelCommand.Create(), [wav, "--out", npy, "--sample-rate", sampleRate]);
        NpyArray array = NpyFile.Read(npy);
        Assert.Equal([80, 101], array.Shape);
        Assert.All(array.Values, value => Assert.InRange(value, LogMel.Silence - 1e-3f, 20));
    }

    [Fact]
    public void Mistakes_are_the_users_errors_that_name_the_thing()
    {
        string broken = Path.Combine(folder, "broken.wav"), npy = Path.Combine(folder, "x.npy");
        File.WriteAllText(broken, "no audio");
        Assert.Contains("broken.wav", Refused([broken, "--out", npy]));
        Assert.Contains("missing.wav", Refused([Path.Combine(folder, "missing.wav"), "--out", npy]));
        Assert.Contains("44100", Refused([broken, "--out", npy, "--sample-rate", "44100"]));
        Assert.False(File.Exists(npy));
    }

    private static string Refused(string[] arguments) =>
        Assert.Throws<UserErrorException>(() => CommandRunner.Run(LogMelCommand.Create(), arguments)).Message;
}
