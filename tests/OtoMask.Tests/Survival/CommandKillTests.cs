using System.Runtime.Versioning;
using OtoMask.Tests.App;
using OtoMask.Tests.Corpora;
using OtoMask.Tests.Studies;
using Xunit.Abstractions;

namespace OtoMask.Tests.Survival;

/// <summary>
/// <c>kill -9</c> of the commands that go on, or begin anew, by the same line: they end as one that was left alone, to the bit. Some 40 kills here;
/// OTOMASK_KILLS=60 kills each so often.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class CommandKillTests(ITestOutputHelper output) : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_cache_prepared_between_kills_is_that_of_one_sitting()
    {
        string audio = folder.Audio(), place = folder.Place("prepared"), cache = Path.Combine(place, "cache");
        folder.Broken("NaN", "audio/broken.wav");
        for (int clip = 0; clip < 6; clip++) // so much that the index is written in several parts
            folder.Silence($"audio/long{clip}.wav", seconds: 600, rate: 192_000);
        var killed = new KilledCommand(place, () => AppProcess.Start("prepare", audio, "--out", cache, "--workers", "2"), _ => true, seed: 11);
        Die(killed, KilledRun.KillsOr(10));
    }

    [Fact]
    public void Embeddings_that_are_killed_leave_the_old_or_the_new_and_never_an_index_of_others()
    {
        string model = Fixture.Path("m2d_vit_base-80x96p16x16p16k-fixture"), audio = folder.Audio(clips: 40), place = folder.Place("embedded");
        folder.Broken("text", "audio/broken.wav");
        string array = Path.Combine(place, "x.npy"), index = Path.Combine(place, "x.index.csv");
        string[] line = ["embed", model, audio, "--per", "frame", "--out", array];
        Assert.Equal(0, AppProcess.Run(["embed", model, Path.Combine(audio, "clip03.wav"), "--out", array]).ExitCode);
        (byte[] oldRows, string oldIndex) = (File.ReadAllBytes(array), File.ReadAllText(index));
        (byte[] Rows, string Index)? whole = null;
        var killed = new KilledCommand(place, () => AppProcess.Start(line), _ => true, seed: 12)
        {
            AfterEveryKill = () =>
            {
                whole ??= Alone(line, array, folder.Place("alone"));
                byte[] rows = File.ReadAllBytes(array);
                bool isOld = rows.AsSpan().SequenceEqual(oldRows);
                Assert.True(isOld || rows.AsSpan().SequenceEqual(whole.Value.Rows), "the rows are neither");
                if (File.Exists(index))
                    Assert.Equal(isOld ? oldIndex : whole.Value.Index, File.ReadAllText(index));
            },
        };
        Die(killed, KilledRun.KillsOr(10));
    }

    [Fact]
    public void A_task_fetched_between_kills_is_that_of_one_sitting()
    {
        using FakeDebian debian = new("ㄇㄚ", "ㄊㄢ", "ㄅㄛ", "ㄍㄨㄤ");
        Directory.CreateDirectory(debian.Data);
        var killed = new KilledCommand(debian.Data, () => debian.Start("data", "fetch", "tones", "--data-dir", debian.Data), _ => true, seed: 13);
        Die(killed, KilledRun.KillsOr(10));
    }

    [Fact]
    public void A_study_killed_at_random_moments_ends_with_the_rows_and_runs_of_one_that_was_not()
    {
        using var fixture = new StudyFixture();
        string file = Path.Combine(fixture.Folder, "kills.yaml"), measured = Path.Combine(fixture.Folder, "measured"), place = folder.Place("study");
        File.WriteAllText(file, fixture.Yaml);
        // The costs are at hand: they are never the same twice, and so the kills meet runs and probes.
        Assert.Equal(0, AppProcess.Run("study", file, "--out", measured).ExitCode);
        File.Copy(Path.Combine(measured, "costs.jsonl"), Path.Combine(place, "costs.jsonl"));
        string[] told = ["log.jsonl", "metrics.json", "report.html", "provenance.jsonl"]; // with speeds and times
        var killed = new KilledCommand(
            place, () => AppProcess.Start("study", file, "--out", place),
            name => !told.Contains(Path.GetFileName(name)) && !Path.GetFileName(name).StartsWith("events.", StringComparison.Ordinal), seed: 14);
        Die(killed, KilledRun.KillsOr(12));
    }

    private void Die(KilledCommand killed, int kills)
    {
        killed.DieAndFinish(kills);
        output.WriteLine(killed.ToString());
    }

    private static (byte[] Rows, string Index) Alone(string[] line, string array, string place)
    {
        string alone = Path.Combine(place, "x.npy");
        Assert.Equal(0, AppProcess.Run([.. line.Select(word => word == array ? alone : word)]).ExitCode);
        return (File.ReadAllBytes(alone), File.ReadAllText(Path.Combine(place, "x.index.csv")));
    }
}
