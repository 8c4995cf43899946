using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using OtoMask.Tests.App;

namespace OtoMask.Tests;

/// <summary>
/// The packages, as someone elsewhere uses them: packed, restored into a project that knows nothing of this repository, run. No network: other
/// packages come from the folder that the build restored them to. Takes half a minute, most of it MSBuild starting five times.
/// </summary>
public sealed partial class PackageTests : IDisposable
{
    private static readonly string[] Packages = ["OtoMask.Torch", "OtoMask"];
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void TheReadmeOfThePackageRunsInAFreshProject()
    {
        foreach (string package in Packages)
            Dotnet("pack", Path.Combine(Repository.Root, "src", package), "-c", Configuration, "--no-build", "--output", folder.Inside("feed"));
        string version = CheckContents();

        string project = Directory.CreateDirectory(folder.Inside("project")).FullName;
        File.WriteAllText(Path.Combine(project, "Consumer.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <UseAppHost>false</UseAppHost>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="OtoMask" Version="{version}" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(project, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{folder.Inside("packages")}" /></config>
              <packageSources><clear /><add key="feed" value="{folder.Inside("feed")}" /><add key="restored" value="{RestoredPackages()}" /></packageSources>
            </configuration>
            """);
        File.WriteAllText(Path.Combine(project, "Program.cs"), ExampleOf("OtoMask"));
        Dotnet("build", project, "-c", "Release", "--output", folder.Inside("built"));

        File.Copy(Path.Combine(folder.Audio(clips: 1), "clip00.wav"), folder.Inside("recording.wav"));
        AppResult result = AppProcess.RunProgram("dotnet", [folder.Inside("built/Consumer.dll"), Fixture.Path("m2d_vit_base-80x96p16x16p16k-fixture")], start => start.WorkingDirectory = folder.Path);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal("7 frames, 240 numbers\n", result.Output);
    }

    private static string Configuration => Path.GetRelativePath(Path.Combine(Repository.Root, "tests/OtoMask.Tests/bin"), AppContext.BaseDirectory).Split('/')[0];

    /// <summary>Library, documentation, symbols, readme and licence are there, the bridge where .NET looks for it. Returns the version.</summary>
    private string CheckContents()
    {
        string version = "";
        foreach (string package in Packages)
        {
            string file = Assert.Single(Directory.GetFiles(folder.Inside("feed"), $"{package}.*.nupkg"), path => PackageFile().Match(Path.GetFileName(path)).Groups[1].Value == package);
            version = PackageFile().Match(Path.GetFileName(file)).Groups[2].Value;
            using ZipArchive content = ZipFile.OpenRead(file), symbols = ZipFile.OpenRead(Path.ChangeExtension(file, ".snupkg"));
            string[] names = [.. content.Entries.Select(entry => entry.FullName)];
            Assert.All((string[])["README.md", $"lib/net10.0/{package}.dll", $"lib/net10.0/{package}.xml"], name => Assert.Contains(name, names));
            Assert.Equal(package == "OtoMask.Torch", names.Any(name => name.StartsWith("runtimes/linux-", StringComparison.Ordinal) && name.EndsWith("/native/libotomask.so", StringComparison.Ordinal)));
            Assert.Contains($"lib/net10.0/{package}.pdb", symbols.Entries.Select(entry => entry.FullName));
            using var manifest = new StreamReader(content.GetEntry($"{package}.nuspec")!.Open());
            Assert.Contains("""<license type="expression">MIT</license>""", manifest.ReadToEnd());
        }
        return version;
    }

    private static string ExampleOf(string package) =>
        CSharpBlock().Match(File.ReadAllText(Path.Combine(Repository.Root, "src", package, "README.md"))).Groups[1].Value;

    /// <summary>Where the build of these tests has its packages.</summary>
    private static string RestoredPackages()
    {
        using JsonDocument assets = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests/OtoMask.Tests/obj/project.assets.json")));
        return assets.RootElement.GetProperty("packageFolders").EnumerateObject().First().Name;
    }

    private static void Dotnet(params string[] arguments)
    {
        AppResult result = AppProcess.RunProgram("dotnet", [.. arguments, "--nologo"], start =>
        {
            // No build servers stay behind.
            start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
            start.Environment["UseSharedCompilation"] = "false";
        });
        Assert.True(result.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}\n{result.Output}{result.Error}");
    }

    [GeneratedRegex(@"^(.+?)\.(\d+\.\d+\.\d+.*)\.nupkg$")]
    private static partial Regex PackageFile();

    [GeneratedRegex(@"^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}
