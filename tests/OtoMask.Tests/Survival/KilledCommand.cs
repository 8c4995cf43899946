using System.Security.Cryptography;
using OtoMask.Randomness;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Survival;

/// <summary>A command that is killed at moments drawn by number and started again by the same line, until it ends; then it begins anew.</summary>
/// <param name="place">The folder that it fills; what lies in it before the first start is there at every new beginning.</param>
/// <param name="start">Starts it.</param>
/// <param name="isResult">Whether a file, by its path relative to the place, has the same bytes in every run of the same line.</param>
/// <param name="seed">Decides the moments.</param>
internal sealed class KilledCommand(string place, Func<AppProcess> start, Func<string, bool> isResult, ulong seed)
{
    private const int SigKill = 128 + 9, MostEvents = 12, LongestPauseMs = 15;
    private readonly Dictionary<string, byte[]> before = Directory.EnumerateFiles(place, "*", SearchOption.AllDirectories).ToDictionary(file => file, File.ReadAllBytes);
    private SortedDictionary<string, string> expected = [];
    private double seconds;
    private int lives, kills, ends;

    /// <summary>Looks at what a kill left; the result of a run that was left alone is known then.</summary>
    public Action AfterEveryKill { get; init; } = () => { };

    /// <summary>Lets one run alone, then kills so many times; whenever a run ends, its files are those of the one that was left alone.</summary>
    public void DieAndFinish(int times)
    {
        long begin = System.Diagnostics.Stopwatch.GetTimestamp();
        Finish();
        seconds = System.Diagnostics.Stopwatch.GetElapsedTime(begin).TotalSeconds;
        expected = Results();
        Assert.NotEmpty(expected);
        Restart();
        while (kills < times)
            LiveAndDie();
        Finish();
        AssertSame();
    }

    /// <summary>How it died.</summary>
    public override string ToString() => $"{kills} kills, {ends} whole runs between them";

    private void LiveAndDie()
    {
        var random = new RandomStream(seed, RandomPurpose.Probe, 0, lives++);
        int events = random.NextInt32(MostEvents);
        using var moment = new CountdownEvent(1 + events);
        using (FileSystemWatcher watcher = Watch(moment))
        using (AppProcess app = start())
        {
            if (random.NextInt32(2) == 0)
                app.EndsWithin(TimeSpan.FromSeconds(random.NextDouble() * seconds));
            else
            {
                while (!moment.Wait(TimeSpan.FromMilliseconds(50)) && !app.HasExited)
                {
                }
                app.EndsWithin(TimeSpan.FromMilliseconds(random.NextInt32(LongestPauseMs)));
            }
            app.Kill();
            AppResult end = app.Wait();
            if (end.ExitCode == SigKill)
            {
                kills++;
                AfterEveryKill();
                return;
            }
            Assert.True(end.ExitCode == 0, $"it ended with {end.ExitCode} after {kills} kills: {end.Error}{end.Output}");
        }
        AssertSame();
        ends++;
        Restart();
    }

    private void Finish()
    {
        using AppProcess app = start();
        AppResult end = app.Wait();
        Assert.True(end.ExitCode == 0, $"{end.ExitCode} after {kills} kills: {end.Error}");
    }

    private void AssertSame()
    {
        SortedDictionary<string, string> results = Results();
        Assert.Equal("", string.Join(", ", expected.Keys.Union(results.Keys).Where(name => expected.GetValueOrDefault(name) != results.GetValueOrDefault(name))));
        Assert.Empty(Directory.GetFiles(place, "*.tmp", SearchOption.AllDirectories));
    }

    private SortedDictionary<string, string> Results()
    {
        SortedDictionary<string, string> results = new(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(place, "*", SearchOption.AllDirectories))
        {
            if (Path.GetRelativePath(place, file) is var name && isResult(name))
                results[name] = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));
        }
        return results;
    }

    private void Restart()
    {
        Directory.Delete(place, recursive: true);
        Directory.CreateDirectory(place);
        foreach ((string file, byte[] bytes) in before)
            File.WriteAllBytes(file, bytes);
    }

    /// <summary>Counts down at whatever happens to the files in the place.</summary>
    private FileSystemWatcher Watch(CountdownEvent moment)
    {
        void Seen()
        {
            lock (moment)
            {
                if (!moment.IsSet)
                    moment.Signal();
            }
        }
        var watcher = new FileSystemWatcher(place) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite };
        watcher.Created += (_, _) => Seen();
        watcher.Changed += (_, _) => Seen();
        watcher.Deleted += (_, _) => Seen();
        watcher.Renamed += (_, _) => Seen();
        watcher.EnableRaisingEvents = true;
        return watcher;
    }
}
