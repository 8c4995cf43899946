using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using OtoMask.App;
using OtoMask.Masking;
using OtoMask.Tests.App;
using OtoMask.Tests.Corpora;

namespace OtoMask.Tests;

/// <summary>What the README promises, run: every command of its code blocks, every strategy in its table, every link into the repository.</summary>
[SupportedOSPlatform("linux")]
public sealed partial class ReadmeTests : IDisposable
{
    private static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Its_commands_run()
    {
        folder.Audio("recordings", clips: 40);
        folder.Text("task.csv", "file_name,label,split\n" + string.Concat(Enumerable.Range(0, 40)
            .Select(clip => $"recordings/clip{clip:D2}.wav,{(clip % 2 == 0 ? "sweep" : "noise")},{(clip < 28 ? "train" : "test")}\n")));
        foreach (Match file in YamlFile().Matches(Readme))
            folder.Text(file.Groups[1].Value, file.Groups[2].Value.Replace("size: tiny, input: 80x208, steps: 4000, batch: 64", "encoder: 16/1/2, decoder: 16/1/2, input: 80x96, steps: 4, batch: 4, min-clips: 0"));
        Directory.CreateSymbolicLink(folder.Inside("configs"), Path.Combine(Repository.Root, "configs"));
        // The launcher has tests of its own; here its place is taken by the program that was built with these tests.
        File.WriteAllText(folder.Inside("otomask"), $"#!/bin/sh\nexec dotnet '{Path.Combine(AppContext.BaseDirectory, "OtoMask.App.dll")}' \"$@\"\n");
        File.SetUnixFileMode(folder.Inside("otomask"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        using FakeDebian debian = new("ㄇㄚ", "ㄊㄢ", "ㄅㄛ", "ㄍㄨㄤ", "ㄒㄧㄝ", "ㄩㄢ", "ㄓㄨ", "ㄇㄠ", "ㄊㄡ", "ㄅㄟ");
        string[] commands = [.. Commands()];
        Assert.Contains("./otomask demo", commands);
        Assert.Contains("./test", commands);
        foreach (string command in commands.Where(command => command != "./test" && IsThere(command)))
        {
            AppResult result = AppProcess.RunProgram("bash", ["-c", Shortened(command)], start =>
            {
                start.WorkingDirectory = folder.Path;
                if (command.Contains("otomask data") || command.Contains("~/.cache"))
                    LiveIn(debian, start);
            });
            Assert.True(result.ExitCode == 0, $"{command}\nexit code {result.ExitCode}: {result.Error}{result.Output}");
        }
        Assert.All(
            (string[])["gallery.html", "runs/dwm/report.html", "runs/random/metrics.json", "recordings.cache/cache.json", "recordings.npy", "recordings.index.csv", "dwm.json", "random.json", "dwm.onnx", "compare.html", "my-study/report.html", "tables.md", ".cache/otomask/tones.csv"],
            file => Assert.True(File.Exists(folder.Inside(file)), $"{file} is missing"));
    }

    [Fact]
    public void Its_table_lists_the_catalogue_of_strategies() =>
        Assert.Equal(KnownMaskings.All.Select(masking => masking.Name), StrategyRow().Matches(Readme).Select(row => row.Groups[1].Value));

    [Fact]
    public void Its_links_lead_somewhere() => Assert.All(
        LocalLink().Matches(Readme).Select(link => link.Groups[1].Value),
        path => Assert.True(File.Exists(Path.Combine(Repository.Root, path)), $"{path} is missing"));

    [Fact]
    public void Its_picture_is_small() => Assert.InRange(new FileInfo(Path.Combine(Repository.Root, "docs/images/mask-gallery.webp")).Length, 10_000, 300_000);

    /// <summary>The picture cannot be read, so its caption stands for it.</summary>
    [Fact]
    public void It_counts_the_strategies_and_shows_as_many()
    {
        string[] words = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"];
        string count = words[KnownMaskings.All.Count - 10];
        Assert.Contains($"- {count} masking strategies", Readme);
        Assert.True(Readme.Contains($"the masks of {count} strategies](docs/images/mask-gallery.webp)"),
            "make the picture anew: otomask masks loop_tabla.flac (of the Debian package sonic-pi-samples), down to the last mask, in a light window 1265 pixels wide; then its caption");
    }

    /// <summary>Fetches from a Debian without network, into a home of its own.</summary>
    private void LiveIn(FakeDebian debian, ProcessStartInfo start)
    {
        debian.UseProgramsFirst(start);
        start.Environment["HOME"] = folder.Path;
        start.Environment.Remove("XDG_CACHE_HOME");
    }

    private static IEnumerable<string> Commands() =>
        ShellBlock().Matches(Readme).SelectMany(block => block.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    /// <summary>Whether this build has the verb of a command.</summary>
    private static bool IsThere(string command) => CommandLine.Create().Subcommands.Any(verb => command.StartsWith($"./otomask {verb.Name}", StringComparison.Ordinal));

    /// <summary>The same command with a model and a length that a test can wait for.</summary>
    private static string Shortened(string command) => command
        .Replace("./otomask demo", "./otomask demo --quick")
        .Replace("--minutes 30", "--steps 4 --batch 4 --min-clips 0 --encoder 16/1/2 --decoder 16/1/2");

    [GeneratedRegex(@"^```sh\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex(@"^```yaml\n# (\S+\.yaml)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex YamlFile();

    [GeneratedRegex(@"^\| `([a-z][a-z-]+)` \|", RegexOptions.Multiline)]
    private static partial Regex StrategyRow();

    [GeneratedRegex(@"\]\((?!https?:)([^)]+)\)")]
    private static partial Regex LocalLink();
}
