using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Corpora;

/// <summary>
/// A Debian of its own on the program's PATH: one real package, <c>gcin-voice</c>, that the real dpkg-deb unpacks, behind stand-ins for apt
/// and dpkg-query, and no network.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class FakeDebian : IDisposable
{
    private const string Package = "gcin-voice", Version = "1.0-1";
    private readonly FakePackages files = new();
    private readonly string programs, log, behaviour;

    /// <param name="syllables">Bopomofo; two speakers say each in four tones.</param>
    public FakeDebian(params string[] syllables)
    {
        (programs, log, behaviour) = (Inside("programs"), Inside("log"), Inside("behaviour"));
        Directory.CreateDirectory(programs);
        files.AddSyllables(syllables);
        BuildPackage();
        AddProgram("dpkg-query", "exit 1");   // nothing is installed
        AddProgram("apt-cache", """
            for name; do [ "$name" != PACKAGE ] || { cat 'SHOWN'; exit 0; }; done
            echo 'E: No packages found' >&2
            exit 100
            """);
        AddProgram("apt-get", """
            echo "$@" >> 'LOG'
            case $(cat 'BEHAVIOUR') in
              works) cp 'ARCHIVE' . ;;
              hangs) head -c 500 'ARCHIVE' > PACKAGE_VERSION_all.deb; echo $$ > 'PID'; exec sleep 600 ;;
              no-network) echo 'E: Failed to fetch http://mirror/PACKAGE.deb  Temporary failure resolving mirror' >&2; exit 100 ;;
              disk-full) echo 'E: Write error - write (28: No space left on device)' >&2; exit 100 ;;
              damages) head -c 500 'ARCHIVE' > PACKAGE_VERSION_all.deb ;;
            esac
            """);
        Behave("works");
    }

    /// <summary>The folder that tests give as <c>--data-dir</c>.</summary>
    public string Data => Inside("data");

    /// <summary>How often apt-get was asked to download.</summary>
    public int Downloads => File.Exists(log) ? File.ReadLines(log).Count(line => line.Contains("download")) : 0;

    public string Inside(string name) => Path.Combine(files.Root, name);

    /// <summary>What apt-get does from now on: works, hangs, no-network, disk-full or damages.</summary>
    public void Behave(string how) => File.WriteAllText(behaviour, how);

    public void RemoveProgram(string name) => File.Delete(Path.Combine(programs, name));

    public void ForgetPackage() => File.WriteAllText(Path.Combine(programs, "apt-cache"), "#!/bin/sh\necho 'E: No packages found' >&2\nexit 100\n");

    /// <summary>Has apt-cache hang.</summary>
    public void MakeAptThink() => File.WriteAllText(Path.Combine(programs, "apt-cache"), $"#!/bin/sh\necho $$ > '{Inside("pid")}'\nexec sleep 600\n");

    /// <summary>Sends Ctrl-C's signal to the program that hangs.</summary>
    public void InterruptHanging()
    {
        using Process kill = Process.Start("kill", ["-INT", File.ReadAllText(Inside("pid")).Trim()]);
        kill.WaitForExit();
    }

    public AppResult Run(params string[] arguments) => AppProcess.RunProgram("dotnet", [AppProcess.App, .. arguments], UsePrograms);

    public AppProcess Start(params string[] arguments) => AppProcess.StartProgram("dotnet", [AppProcess.App, .. arguments], UsePrograms);

    /// <summary>Only the stand-ins and what they need are on the PATH, so that a program taken away is gone.</summary>
    public void UsePrograms(ProcessStartInfo start) => start.Environment["PATH"] = programs;

    /// <summary>The stand-ins come before what this machine has.</summary>
    public void UseProgramsFirst(ProcessStartInfo start) => start.Environment["PATH"] = $"{programs}:{Environment.GetEnvironmentVariable("PATH")}";

    /// <summary>Whether a program that hangs is still there.</summary>
    public bool IsHanging => File.Exists(Inside("pid")) && Directory.Exists($"/proc/{File.ReadAllText(Inside("pid")).Trim()}");

    /// <summary>What lies in the data folder, but for the lock.</summary>
    public string[] Left() => Directory.Exists(Data)
        ? [.. Directory.EnumerateFileSystemEntries(Data, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(Data, path)).Where(name => name is not (".lock" or "packages"))]
        : [];

    public void Dispose()
    {
        if (IsHanging)
            Process.GetProcessById(int.Parse(File.ReadAllText(Inside("pid")), CultureInfo.InvariantCulture)).Kill();
        files.Dispose();
    }

    private string Archive => Inside("archive.deb");

    private void BuildPackage()
    {
        string tree = Path.Combine(files.Cache, $"{Package}_{Version}");
        Directory.CreateDirectory(Path.Combine(tree, "DEBIAN"));
        string control = $"Package: {Package}\nVersion: {Version}\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: syllables\n";
        File.WriteAllText(Path.Combine(tree, "DEBIAN", "control"), control);
        using Process build = Process.Start(new ProcessStartInfo("dpkg-deb", ["--root-owner-group", "-b", tree, Archive]) { RedirectStandardOutput = true })!;
        build.StandardOutput.ReadToEnd();
        build.WaitForExit();
        Assert.Equal(0, build.ExitCode);
        Directory.Delete(files.Cache, recursive: true);
        File.WriteAllText(Inside("shown"), $"{control}Installed-Size: 20\nSize: {new FileInfo(Archive).Length}\n");
        foreach (string needed in (string[])["sh", "cat", "cp", "head", "sleep", "dpkg-deb", "tar", "xz", "zstd", "rm"])
            LinkProgram(needed);
    }

    private void LinkProgram(string name)
    {
        string? path = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        if (path is not null)
            File.CreateSymbolicLink(Path.Combine(programs, name), path);
    }

    private void AddProgram(string name, string script)
    {
        string path = Path.Combine(programs, name);
        File.WriteAllText(path, "#!/bin/sh\n" + script
            .Replace("PACKAGE", Package).Replace("VERSION", Version)
            .Replace("LOG", log).Replace("PID", Inside("pid")).Replace("BEHAVIOUR", behaviour).Replace("ARCHIVE", Archive).Replace("SHOWN", Inside("shown")) + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
