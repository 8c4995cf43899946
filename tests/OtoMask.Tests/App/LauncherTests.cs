using System.Runtime.Versioning;

namespace OtoMask.Tests.App;

/// <summary>The launcher, run against stand-ins for dotnet, dpkg-query and apt-get that note what they are asked.</summary>
[SupportedOSPlatform("linux")]
public sealed class LauncherTests : IDisposable
{
    private const string Dotnet = """
        case $1 in
          --list-sdks) echo "10.0.100 [/sdk]" ;;
          build) mkdir -p "$2/bin/Release/net10.0" && touch "$2/bin/Release/net10.0/OtoMask.App.dll" ;;
          *) shift; printf '<%s>' "$@"; exit 7 ;;
        esac
        """;
    private const string EverythingInstalled = "printf installed", NothingInstalled = "exit 1";
    private readonly string folder = Directory.CreateTempSubdirectory("otomask launcher ").FullName;

    public LauncherTests()
    {
        CopyOfRepository("otomask", "tools/setup.sh", "packaging/common.sh", "packaging/bridge.sh", "packaging/otomask");
        Directory.CreateDirectory(Inside("src/OtoMask.App/Commands"));
        Directory.CreateDirectory(Inside("native"));
        File.WriteAllText(Inside("Directory.Build.props"), "");
        File.WriteAllText(Inside("src/OtoMask.App/Commands/A.cs"), "");
        StandIn("dotnet", Dotnet);
        StandIn("dpkg-query", EverythingInstalled);
        StandIn("apt-get", "exit 1");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void ItBuildsOnceAndHandsOnArgumentsAndExitCode()
    {
        AppResult result = Launch("masks", "my clip.wav", "--out", "");
        Assert.Equal((7, "<masks><my clip.wav><--out><>"), (result.ExitCode, result.Output));
        Assert.Contains("Building", result.Error);
        Assert.Equal("", Launch("doctor").Error);
    }

    [Theory]
    [InlineData("src/OtoMask.App/Commands/A.cs")]
    [InlineData("src/OtoMask.App/Commands/New.cs")]
    [InlineData("Directory.Build.props")]
    public void AChangedSourceIsBuiltAgain(string file)
    {
        Launch("doctor");
        File.AppendAllText(Inside(file), "// changed");
        Assert.Contains("Building", Launch("doctor").Error);
    }

    [Theory]
    [InlineData("-n 8", "8 open files are too few")]
    [InlineData("-v 100000", "102 MB of address space are too few")]
    [InlineData("-f 0", "files of 0 MB are too small")]
    public void WhereDotnetWouldNotStartItSaysWhatIsTooLittle(string limit, string expected) =>
        AppProcess.RunProgram("bash", ["-c", $"ulimit {limit}; exec bash \"$0\" doctor", Inside("otomask")], _ => { }).AssertUserError(expected);

    [Fact]
    public void ItWorksThroughALinkFromAnotherFolder()
    {
        string link = Inside("a link");
        File.CreateSymbolicLink(link, Inside("otomask"));
        Assert.Equal("<--help>", LaunchFrom("/", link, "--help").Output);
    }

    [Fact]
    public void WhatCannotBeInstalledIsNamed()
    {
        StandIn("dpkg-query", NothingInstalled);
        AssertRefused("sudo apt-get install g++ cmake make", "libsndfile1");
    }

    [Fact]
    public void WhatIsMissingIsInstalled()
    {
        StandIn("sudo", "[[ $1 == -n ]] && shift; \"$@\"");
        StandIn("dpkg-query", $"[[ \"$*\" == *cmake* ]] && exit 1; {EverythingInstalled}");
        StandIn("apt-get", $"echo \"$*\" >> '{Inside("asked")}'");
        Assert.Equal(7, Launch("doctor").ExitCode);
        Assert.Equal(["update -q", "install -y -q --no-install-recommends cmake"], File.ReadAllLines(Inside("asked")));
    }

    [Theory]
    [InlineData("libtorch-cuda-dev", "libtorch-dev libgloo-dev")] // it is not there
    [InlineData("libgloo-cuda-dev", "libgloo-cuda-dev")]          // it is, without its gloo
    public void WhoHasTheLibtorchForGpusKeepsIt(string missing, string installed)
    {
        StandIn("sudo", "[[ $1 == -n ]] && shift; \"$@\"");
        StandIn("dpkg-query", $"[[ \"$*\" == *{missing}* || \"$*\" == *\" libtorch-dev\" || \"$*\" == *\" libgloo-dev\" ]] && exit 1; {EverythingInstalled}");
        StandIn("apt-get", $"echo \"$*\" >> '{Inside("asked")}'");
        Assert.Equal(7, Launch("doctor").ExitCode);
        Assert.Equal($"install -y -q --no-install-recommends {installed}", File.ReadAllLines(Inside("asked"))[^1]);
    }

    [Fact]
    public void AnArchiveTakesTheBridgeThatFitsTheLibtorchOfTheMachine()
    {
        foreach (string bridge in (string[])["libtorch-1.13", "libtorch-2.14", "libtorch-2.6"])
        {
            Directory.CreateDirectory(Inside($"packaging/bridges/{bridge}"));
            File.WriteAllText(Inside($"packaging/bridges/{bridge}/libotomask.so"), "");
        }
        // What is missing comes first in a list that is longer than a pipe.
        StandIn("ldd", "[[ $1 == *2.6* ]] || echo 'libtorch.so => not found'; yes 'libmany.so => /usr/lib/libmany.so' | head -n 20000");
        WriteScript("packaging/OtoMask.App", "echo \"${LD_LIBRARY_PATH%%:*}\"");
        AppResult result = LaunchFrom("/", Inside("packaging/otomask"));
        Assert.Equal(("", Inside("packaging/bridges/libtorch-2.6")), (result.Error, result.Output.TrimEnd()));
    }

    [Fact]
    public void AMissingSdkIsNamed()
    {
        StandIn("dotnet", "exit 1");
        AssertRefused(".NET 10 SDK", "https://dotnet.microsoft.com");
    }

    [Fact]
    public void ABrokenBuildIsNotTheUsersFault()
    {
        StandIn("dotnet", Dotnet.Replace("build)", "build) echo error CS0001; exit 1 ;; never)"));
        AppResult result = Launch("doctor");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("error CS0001", result.Error);
    }

    private void AssertRefused(params string[] parts)
    {
        AppResult result = Launch("doctor");
        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        string last = result.Error.TrimEnd('\n').Split('\n')[^1];
        Assert.All(parts, part => Assert.Contains(part, last));
    }

    private AppResult Launch(params string[] arguments) => LaunchFrom(folder, Inside("otomask"), arguments);

    private AppResult LaunchFrom(string from, string launcher, params string[] arguments) => AppProcess.RunProgram(launcher, arguments, start =>
    {
        start.WorkingDirectory = from;
        start.Environment["PATH"] = $"{Inside("bin")}:{start.Environment["PATH"]}";
        start.Environment.Remove("LIBTORCH");
    });

    private void StandIn(string program, string script)
    {
        Directory.CreateDirectory(Inside("bin"));
        WriteScript($"bin/{program}", script);
    }

    private void WriteScript(string path, string script)
    {
        File.WriteAllText(Inside(path), $"#!/usr/bin/env bash\n{script}\n");
        File.SetUnixFileMode(Inside(path), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private void CopyOfRepository(params string[] files)
    {
        string repository = Repository();
        foreach (string file in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Inside(file))!);
            File.Copy(Path.Combine(repository, file), Inside(file));
        }
    }

    private string Inside(string path) => Path.Combine(folder, path);

    private static string Repository()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(Path.Combine(at, "OtoMask.slnx")))
            at = Path.GetDirectoryName(at);
        return at ?? throw new DirectoryNotFoundException("the tests run outside the repository");
    }
}
