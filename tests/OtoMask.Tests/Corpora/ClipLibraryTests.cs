using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using OtoMask.Audio;
using OtoMask.Corpora;

namespace OtoMask.Tests.Corpora;

public class ClipLibraryTests
{
    private static readonly MandarinSyllables Syllables = new();

    [Fact]
    public void TheManifestHashesWhatTheFilesHold()
    {
        using FakePackages fake = new();
        fake.AddSyllables("ㄇㄚ");
        ClipLibrary library = fake.Library();
        IReadOnlyList<ManifestClip> clips = library.Provide(Syllables);

        Assert.Equal(8, clips.Count);
        foreach (ManifestClip clip in clips)
        {
            float[] samples = AudioFile.ReadMono(Path.Combine(library.Root, Syllables.Name, clip.FileName), ClipLibrary.SampleRate);
            byte[] bytes = new byte[2 * samples.Length];
            for (int i = 0; i < samples.Length; i++)
                BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(2 * i), (short)(samples[i] * 32768));
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), clip.Sha256);
            Assert.Equal(samples.Length / 16000.0, clip.Seconds, 1e-4);
            Assert.Equal(("gcin-voice", "1.0-1"), (clip.Package, clip.Version));
            Assert.Equal("ma", clip.Tags["syllable"]);
        }
        Assert.Contains(clips, clip => clip.Licence == "CC-BY-3");
    }

    [Fact]
    public void CopiesSilenceAndSilentTailsAreLeftOut()
    {
        using FakePackages fake = new();
        float[] sound = [.. Enumerable.Range(0, 3200).Select(i => 0.3f * MathF.Sin(0.1f * i))];
        fake.AddSound("gcin-voice", "usr/share/gcin-voice/ogg/ㄅㄚ/3.ogg", sound);
        fake.AddSound("gcin-voice", "usr/share/gcin-voice/ogg/ㄅㄚ2/3.ogg", [.. sound, .. new float[4000]]);
        fake.AddSound("gcin-voice", "usr/share/gcin-voice/ogg/ㄅㄚ3/3.ogg", new float[3200]);
        ClipLibrary library = fake.Library();

        ManifestClip clip = Assert.Single(library.Provide(Syllables));
        Assert.Equal("ba-1-3.flac", clip.FileName);
        Assert.Equal(0.2, clip.Seconds, 0.001);
        Assert.Equal(["ba-1-3.flac", "manifest.csv"], Directory.GetFiles(Path.Combine(library.Root, Syllables.Name)).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void APackageThatThisReleaseLacksIsDoneWithoutWhereTheSourceCanAndSaid()
    {
        const string Absent = "otomask-no-such-package";
        using FakePackages fake = new();
        fake.AddSyllables("ㄇㄚ"); // gcin-voice is there
        FakeSource Source(params string[] dispensable) =>
            new("some", FakeSource.Clip(1, "gcin-voice")) { Packages = ["gcin-voice", Absent], Dispensable = dispensable };

        Assert.Contains(Absent, Assert.Throws<UserErrorException>(() => fake.Library().Provide(Source())).Message);
        CollectedProgress progress = new();
        Assert.Single(fake.Library(progress).Provide(Source(Absent)));
        Assert.Equal([Absent], File.ReadAllLines(Path.Combine(fake.Library().Root, "some", "missing-packages.txt")));
        Assert.Contains(progress.Reports, step => step.What.Contains($"some without {Absent}", StringComparison.Ordinal));
    }

    [Fact]
    public void WithoutADispensablePackageTheRealSourcesGiveWhatIsLeft()
    {
        using FakePackages fake = new();
        fake.AddSound("sonic-pi-samples", "usr/share/sonic-pi/samples/loop_some.flac");
        IReadOnlyList<Recording> recordings = PackagedAudio.DrumLoops.Open(fake.Packages.Provide(["sonic-pi-samples"]), null);
        Assert.All(Assert.Single(recordings)(), clip => Assert.Equal("sonic-pi-samples", clip.Package));
    }

    [Fact]
    public void ASecondCallDecodesNothing()
    {
        using FakePackages fake = new();
        fake.AddSyllables("ㄇㄚ", "ㄊㄢ");
        IReadOnlyList<ManifestClip> first = fake.Library().Provide(Syllables);
        Directory.Delete(fake.Cache, recursive: true);
        CollectedProgress progress = new();

        IReadOnlyList<ManifestClip> second = fake.Library(progress).Provide(Syllables);
        Assert.Equal(first.Select(clip => (clip.FileName, clip.Sha256)), second.Select(clip => (clip.FileName, clip.Sha256)));
        Assert.Equal(first[0].Tags, second[0].Tags);
        Assert.Empty(progress.Reports);
        Assert.Equal(0, fake.Library().Cost([Syllables]).DownloadBytes);
    }

    [Fact]
    public void AnUnreadableFileIsSkippedAndListed()
    {
        using FakePackages fake = new();
        fake.AddSyllables("ㄇㄚ");
        File.WriteAllText(fake.PathOf("gcin-voice", "usr/share/gcin-voice/ogg/ㄊㄢ/3.ogg"), "no audio");
        CollectedProgress progress = new();
        ClipLibrary library = fake.Library(progress);

        Assert.Equal(8, library.Provide(Syllables).Count);
        Assert.Contains("ㄊㄢ/3.ogg", Assert.Single(File.ReadAllLines(Path.Combine(library.Root, Syllables.Name, "unreadable.txt"))));
        Assert.Contains(new WorkProgress("decode syllables-v1", 9, 9), progress.Reports);
    }

    [Fact]
    public void AFailureLeavesNothingBehind()
    {
        using FakePackages fake = new();
        File.WriteAllText(fake.PathOf("gcin-voice", "usr/share/gcin-voice/ogg/ㄊㄢ/3.ogg"), "no audio");
        ClipLibrary library = fake.Library();
        Assert.Contains("can be read", Assert.Throws<UserErrorException>(() => library.Provide(Syllables)).Message);
        Assert.Empty(Directory.GetDirectories(library.Root));

        fake.AddSyllables("ㄇㄚ");
        fake.AddSound("gcin-voice", "usr/share/gcin-voice/ogg/hello/3.ogg");
        Assert.Contains("hello", Assert.Throws<UserErrorException>(() => library.Provide(Syllables)).Message);
        Assert.Empty(Directory.GetDirectories(library.Root));
    }

    [Fact]
    public void APackageWithoutTheExpectedFilesIsNamed()
    {
        using FakePackages fake = new();
        fake.AddSound("gcin-voice", "usr/share/elsewhere/3.ogg");
        string message = Assert.Throws<UserErrorException>(() => fake.Library().Provide(Syllables)).Message;
        Assert.Contains("gcin-voice 1.0-1", message);
        Assert.Contains("usr/share/gcin-voice/ogg", message);
    }

    [Fact]
    public void TwoProcessesDoNotAssembleInOneFolder()
    {
        using FakePackages fake = new();
        fake.AddSyllables("ㄇㄚ");
        ClipLibrary library = fake.Library();
        Directory.CreateDirectory(library.Root);
        using FileStream other = new(Path.Combine(library.Root, ".lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        Assert.Contains("another process", Assert.Throws<UserErrorException>(() => library.Provide(Syllables)).Message);
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsNamed()
    {
        using FakePackages fake = new();
        string file = Path.Combine(fake.Root, "library");
        File.WriteAllText(file, "");
        Assert.Contains(file, Assert.Throws<UserErrorException>(() => fake.Library().Provide(Syllables)).Message);
    }

    private sealed class CollectedProgress : IProgress<WorkProgress>
    {
        public ConcurrentBag<WorkProgress> Reports { get; } = [];

        public void Report(WorkProgress value) => Reports.Add(value);
    }
}
