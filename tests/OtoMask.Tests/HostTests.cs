using OtoMask.Tests.App;

namespace OtoMask.Tests;

/// <summary>What becomes of a program that uses the library (tests/Host): its environment, its allocator, and what it hears of libraries that do not load.</summary>
public sealed class HostTests : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AHostKeepsItsEnvironmentAndItsAllocator()
    {
        const string Untouched = "environment: OMP_WAIT_POLICY= GOMP_SPINCOUNT=";
        Assert.Equal([Untouched, "torch: Allocator returns freed blocks", "tensor: a block of its own", "wav: 16000 samples", Untouched], Host(["environment", "torch", "tensor", "wav", "environment"]));
    }

    [Fact]
    public void WhoAsksGetsThreadsThatSleepAndAnAllocatorThatKeeps()
    {
        const string Tuned = "environment: OMP_WAIT_POLICY=PASSIVE GOMP_SPINCOUNT=1000";
        Assert.Equal(["tune: done", Tuned, "torch: Allocator keeps freed blocks", "tensor: of the heap", "tune: done", Tuned], Host(["tune", "environment", "torch", "tensor", "tune", "environment"]));
    }

    [Fact]
    public void WhatTheHostHasSetItselfStays() =>
        Assert.Equal(["tune: done", "environment: OMP_WAIT_POLICY=ACTIVE GOMP_SPINCOUNT=1000"], Host(["tune", "environment"], ("OMP_WAIT_POLICY", "ACTIVE")));

    [Fact]
    public void AskingTooLateIsAnError() => Assert.StartsWith("tune: System.InvalidOperationException: libtorch is loaded already", Host(["torch", "tune"])[1]);

    /// <summary>Elsewhere the destructors of libtorch run while threads are still in it, and one process in some dies of it with a signal, its work done.</summary>
    [Fact]
    public void WhoAsksEndsWithItsOwnCodeWhateverItsThreadsAreDoing()
    {
        for (int i = 0; i < 10; i++)
        {
            AppResult result = Run(["tune", "busy", "fail"]);
            Assert.Equal("tune: done\nbusy: left to themselves\nfail: will\n", result.Output);
            Assert.Equal(3, result.ExitCode);
        }
    }

    /// <summary>OpenMP itself tells what it goes by.</summary>
    [Fact]
    public void TheProgramTunesItselfAndAHostIsNotTuned()
    {
        const string Ours = "GOMP_SPINCOUNT = '1000'";
        Assert.Contains(Ours, AppProcess.RunWith("OMP_DISPLAY_ENV", "verbose", "doctor").Error);
        Assert.DoesNotContain(Ours, Run(["torch"], ("OMP_DISPLAY_ENV", "verbose")).Error);
    }

    [Theory]
    [InlineData("libsndfile.so.1", "wav", "libsndfile1")]
    [InlineData("libmpg123.so.0", "mp3", "libmpg123-0")]
    [InlineData("libsoxr.so.0", "resample", "libsoxr0")]
    public void ABrokenSoundLibraryIsToldInOneLine(string library, string use, string package)
    {
        File.WriteAllText(folder.Inside(library), "this is no library");
        // Twice: the second time is no other than the first.
        string[] lines = Host([use, use], ("LD_LIBRARY_PATH", $"{folder.Path}:{Environment.GetEnvironmentVariable("LD_LIBRARY_PATH")}"));
        Assert.Equal(2, lines.Length);
        Assert.All(lines, line =>
        {
            Assert.StartsWith($"{use}: OtoMask.Audio.SoundLibraryException: {library.Split('.')[0]} cannot be loaded (", line);
            Assert.Contains($"{library}: ", line);
            Assert.EndsWith($"apt-get install --reinstall {package}", line);
        });
    }

    [Fact]
    public void ABrokenOrMissingBridgeIsToldInOneLine()
    {
        string program = Directory.CreateDirectory(folder.Inside("program")).FullName;
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(Program)!))
            File.Copy(file, Path.Combine(program, Path.GetFileName(file)));
        string bridge = Path.Combine(program, "libotomask.so"), copy = Path.Combine(program, "Host.dll");

        File.Delete(bridge);
        AssertTold("is not beside the program", "dotnet build");
        File.WriteAllText(bridge, new string('x', 1000));
        AssertTold("invalid ELF header", "libtorch-dev");
        File.Copy(Path.Combine(AppContext.BaseDirectory, "libonnxruntime.so"), bridge, overwrite: true);
        AssertTold("om_abi");

        void AssertTold(params string[] parts)
        {
            string[] lines = [.. AppProcess.RunProgram("dotnet", [copy, "torch", "torch"], _ => { }).Output.TrimEnd().Split('\n')];
            Assert.Equal(2, lines.Length);
            Assert.All(lines, line => Assert.All((string[])["torch: OtoMask.Torch.TorchLoadException: ", .. parts], part => Assert.Contains(part, line)));
        }
    }

    private static string Program => Path.Combine(
        Repository.Root, "tests", "Host", "bin", Path.GetRelativePath(Path.Combine(Repository.Root, "tests/OtoMask.Tests/bin"), AppContext.BaseDirectory), "Host.dll");

    private static string[] Host(string[] what, params (string Name, string Value)[] environment) => [.. Run(what, environment).Output.TrimEnd().Split('\n')];

    private static AppResult Run(string[] what, params (string Name, string Value)[] environment) => AppProcess.RunProgram("dotnet", [Program, .. what], start =>
    {
        foreach (string name in (string[])["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "GLIBC_TUNABLES"]) // which whoever runs the tests may have set
            start.Environment.Remove(name);
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
    });
}
