using System.CommandLine;
using OtoMask.App.Commands;
using OtoMask.Audio;
using OtoMask.Masking;
using OtoMask.Tests.Reports;

namespace OtoMask.Tests.Commands;

public sealed class MasksCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-masks-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void The_same_seed_writes_the_same_page_and_another_seed_another()
    {
        string tone = Tone("tone.wav", 2.0), page = InFolder("page.html");
        Run([tone, "--out", page]);
        string first = File.ReadAllText(page);
        Run([tone, "--out", page]);
        Assert.Equal(first, File.ReadAllText(page));
        Run([tone, "--out", page, "--seed", "7"]);
        Assert.NotEqual(first, File.ReadAllText(page));
    }

    [Fact]
    public void An_unreadable_file_among_others_is_skipped_and_named()
    {
        string broken = InFolder("broken.wav"), page = InFolder("page.html");
        File.WriteAllText(broken, "no audio");
        (string output, string error) = Run([Tone("tone.wav", 1), broken, "--out", page]);
        Assert.Contains("1 clip x", output);
        Assert.Contains("broken.wav", error);
        Assert.Contains("Left out, unreadable", File.ReadAllText(page));
    }

    [Fact]
    public void Mistakes_are_the_users_errors_that_name_the_thing_and_leave_no_file()
    {
        string tone = Tone("tone.wav", 1), page = InFolder("page.html"), empty = InFolder("empty.wav");
        File.WriteAllText(empty, "");
        AssertRefused("empty.wav", [empty, "--out", page]);
        AssertRefused("missing.wav", [InFolder("missing.wav"), "--out", page]);
        AssertRefused(folder, [folder, "--out", page]);
        AssertRefused("dmw", [tone, "--out", page, "--mask", "dmw"]);
        AssertRefused("0x16", [tone, "--out", page, "--patch", "0x16"]);
        AssertRefused("tone.wav: 40x50", [tone, "--out", page, "--patch", "2x2"]);
        AssertRefused("17x16", [tone, "--out", page, "--patch", "17x16"]);
        AssertRefused("--seconds -1", [tone, "--out", page, "--seconds", "-1"]);
        AssertRefused("--seconds NaN", [tone, "--out", page, "--seconds", "NaN"]);
        AssertRefused("nowhere", [tone, "--out", InFolder("nowhere/page.html")]);
        Assert.Equal(["empty.wav", "tone.wav"], Directory.GetFiles(folder).Select(Path.GetFileName).Order());
    }

    [ChromiumFact]
    public async Task The_page_shows_every_strategy_of_short_and_long_clips()
    {
        string page = InFolder("page.html");
        Run([Tone("long.wav", 8), Tone("short.wav", 0.03), "--out", page]);
        await using HeadlessChromium browser = await HeadlessChromium.OpenAsync(page, 1280);
        Assert.Empty(browser.Complaints);
        Assert.Equal(
            KnownMaskings.All.Select(masking => masking.Name),
            (await browser.EvaluateAsync<string[]>("[...document.querySelectorAll('.tile b')].map(name => name.textContent)"))
                .Take(KnownMaskings.All.Count));
        Assert.Equal(
            ["6.08 s", "0.16 s"],
            await browser.EvaluateAsync<string[]>("[...document.querySelectorAll('.clip header span')].map(meta => meta.textContent.split(' ·')[0])"));
    }

    private string InFolder(string name) => Path.Combine(folder, name);

    private string Tone(string name, double seconds)
    {
        string path = InFolder(name);
        AudioFile.WriteWav(path, [.. Enumerable.Range(0, (int)(seconds * 16000)).Select(i => (float)(0.3 * Math.Sin(i * (0.05 + (i * 1e-6)))))], 16000);
        return path;
    }

    private static void AssertRefused(string named, string[] arguments) =>
        Assert.Contains(named, Assert.Throws<UserErrorException>(() => Run(arguments)).Message);

    private static (string Output, string Error) Run(string[] arguments) => CommandRunner.Run(MasksCommand.Create(), arguments);
}

/// <summary>Runs one command in this process, letting its exceptions through.</summary>
internal static class CommandRunner
{
    public static (string Output, string Error) Run(Command command, string[] arguments)
    {
        using StringWriter output = new(), error = new();
        ParseResult parsed = command.Parse(arguments);
        Assert.Empty(parsed.Errors);
        parsed.Invoke(new() { EnableDefaultExceptionHandler = false, Output = output, Error = error });
        return (output.ToString(), error.ToString());
    }
}
