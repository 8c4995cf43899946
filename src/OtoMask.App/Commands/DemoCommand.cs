using System.CommandLine;
using System.Diagnostics;
using OtoMask.App.Bench;
using OtoMask.App.Demo;
using OtoMask.App.Reports;
using OtoMask.Audio;
using OtoMask.Corpora;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Torch;
using Spectre.Console;

namespace OtoMask.App.Commands;

/// <summary><c>otomask demo [--quick]</c>: the whole idea on real audio in a few minutes.</summary>
internal static class DemoCommand
{
    private const string Folder = "otomask-demo", Report = "demo-report.html";

    public static Command Create()
    {
        Option<bool> quick = new("--quick") { Description = "Under a minute, with too little training to show much." };
        Option<string> data = new("--data-dir") { Description = "Where assembled audio is kept.", DefaultValueFactory = _ => TaskAssembler.DefaultRoot, HelpName = "DIR" };
        DeviceOption device = new("Where models are trained and judged");
        Command command = new("demo", $"Pre-train a small encoder on real audio with two masking strategies, compare, and write {Folder}/{Report}.") { quick, data, device };
        command.SetAction((line, cancellation) =>
        {
            Run(line.GetRequiredValue(quick), line.GetRequiredValue(data), device.Read(line), cancellation);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(bool quick, string dataFolder, Device device, CancellationToken cancellation)
    {
        DemoRecipe recipe = (quick ? DemoRecipe.Quick : DemoRecipe.Full).On(device);
        RequireWritable(Folder);
        TaskRecipe[] tasks = [.. DemoRecipe.Tasks.Select(KnownTasks.Find)];
        FetchCost cost = new TaskAssembler(dataFolder).Cost(tasks, [new PoolRecipe(tasks, PoolBreadth.SamePackages)], cancellation);
        DataFetch.Announce(cost, dataFolder);
        if (cost.DownloadBytes == 0)
            recipe = recipe.WithAudioAtHand;
        long begin = Stopwatch.GetTimestamp();
        using DemoRun run = DemoProgress.Show(recipe.TotalSeconds, progress =>
        {
            DemoRun done = DemoRun.Do(recipe, dataFolder, Path.Combine(Folder, "runs"), progress, cancellation);
            progress.Finish();
            return done;
        });
        var findings = new DemoFindings(run.Scores);
        string report = Path.Combine(Folder, Report);
        AtomicFile.WriteAllText(report, DemoReport.Build(Describe(run, findings, quick, Stopwatch.GetElapsedTime(begin))));
        Show(run, findings);
        Terminal.Tell($"report: {report}");
        foreach ((string next, string what) in NextSteps)
            Terminal.Tell($"{what} {next}");
    }

    private static IReadOnlyList<(string Command, string What)> NextSteps { get; } =
    [
        ("otomask pretrain --data YOUR_AUDIO --framework msm-mae --minutes 60 --out my-run", "Pre-train on a folder of your own audio:"),
        ("otomask probe my-run --task TASK.csv", "Judge it on labels of your own (file_name,label,split):"),
        ("otomask masks YOUR_AUDIO/*.wav --out gallery.html", "See what every strategy hides of your audio:"),
    ];

    private static void RequireWritable(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            OutputPlace.Require(Path.Combine(folder, Report));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{Path.GetFullPath(folder)} cannot be written ({error.Message}); run the demo from a folder of your own", error);
        }
    }

    private static void Show(DemoRun run, DemoFindings findings)
    {
        Table table = new Table().WithColumns("accuracy %, 95 % over clips");
        foreach (TaskClips task in run.Tasks)
            table.WithColumns(task.Task.Name);
        foreach (DemoScores row in run.Scores)
            table.WithRow([row.Name, .. DemoFindings.Accuracies(row).Select(score => IntervalText.OfScore(score!.Value.ToInterval()).ToString())]);
        table.AddEmptyRow();
        foreach (DifferenceRow row in findings.Gains.Append(findings.BetweenMasks))
            table.WithRow([row.Name, .. row.Differences.Select(difference => IntervalText.OfDifference(difference!.Value.ToInterval()).ToString())]);
        Terminal.Show(table);
        Terminal.Tell(findings.Answer);
    }

    private static DemoResult Describe(DemoRun run, DemoFindings findings, bool quick, TimeSpan total) => new()
    {
        Answer = findings.Answer,
        Caveats =
        [
            "One pre-training seed a strategy: the intervals are over test clips and probe seeds and do not hold the difference another seed would make.",
            .. quick ? ["This was the quick variant: too few steps to learn much."] : Array.Empty<string>(),
            .. run.Encoders.SelectMany(encoder => encoder.Warnings).Distinct(),
        ],
        Tasks = [.. run.Assembled.Zip(run.Scores[0].Probes, (task, probe) => new DemoTask(
            probe.Task.Name, task.Recipe.Summary, probe.Task.Classes.Count, probe.Counts.Train + probe.Counts.Valid, probe.Counts.Test))],
        Scores = [.. run.Scores.Select(row => new ScoreRow(row.Name, row.What, DemoFindings.Accuracies(row)))],
        Differences = [.. findings.Gains, findings.BetweenMasks],
        Loss = [.. run.Encoders.Select(encoder => new Curve(encoder.Mask, [.. encoder.Steps.Select(step => ((double)step.Step, step.Loss))]))],
        RankMe = [.. run.Encoders.Select(encoder => new Curve(encoder.Mask, [.. encoder.Evaluations.Where(row => row.Metric == "rankme").Select(row => ((double)row.Step, row.Value))]))],
        Clips = [.. Paint(run, out IReadOnlyList<GalleryStrategy> strategies)],
        Strategies = strategies,
        Reconstructions = [.. run.Encoders.SelectMany(encoder => Examples(run).Select(example => encoder.Reconstruct(example.Name, example.LogMel.Values)))],
        Costs =
        [
            new CostRow("fetch and assemble the tasks", null, null, null, run.AssemblySeconds),
            .. run.Encoders.Select(encoder => new CostRow(
                $"pre-train with {encoder.Mask}", Summary.Median(encoder.Steps.Select(step => step.MaskMilliseconds!.Value)),
                1000 * encoder.Seconds / encoder.Steps.Count, Summary.Median(encoder.Steps.Select(step => step.ClipsPerSecond!.Value)), encoder.Seconds)),
            .. run.Scores.Select(row => new CostRow($"embed and probe {row.Name}", null, null, null, row.Seconds)),
        ],
        NextSteps = NextSteps,
        Environment =
        [
            ("cores", $"{Environment.ProcessorCount}"), ("device", run.Recipe.Pretraining.Device), ("precision", run.Recipe.Pretraining.Precision.Name()), ("libtorch", TorchRuntime.Describe().Split('\n')[0]),
            ("clips pre-trained on", $"{run.Encoders[0].Clips}"), ("list of clips", run.Encoders[0].ManifestHash),
            ("steps", $"{run.Encoders[0].Steps.Count}"), ("seed", "42"), ("whole demo", $"{total.TotalSeconds:F0} s"),
        ],
    };

    private static List<GalleryClip> Paint(DemoRun run, out IReadOnlyList<GalleryStrategy> strategies)
    {
        var painter = new GalleryPainter
        {
            Maskings = [.. ((string[])["random", "dwm", "dwm-topk", "time-span"]).Select(KnownMaskings.Find)],
            FrontEnd = run.Tasks[0].LogMel,
            PatchHeight = run.Recipe.Pretraining.Geometry.PatchHeight,
            PatchWidth = run.Recipe.Pretraining.Geometry.PatchWidth,
        };
        List<GalleryClip> clips = [.. Examples(run).Select((example, i) => painter.Paint(example.Name, example.LogMel, i))];
        strategies = painter.Strategies;
        return clips;
    }

    /// <summary>The middle test clip of every task.</summary>
    private static IEnumerable<(string Name, LogMel LogMel)> Examples(DemoRun run) => run.Tasks.Select((task, i) =>
    {
        int clip = run.Scores[0].Probes[i].TestClips[run.Scores[0].Probes[i].TestClips.Count / 2];
        LabelledClip labelled = task.Task.Clips[clip];
        LogMel logMel = task.Read(clip, ClipView.FromStart) ?? throw new InvalidOperationException($"{labelled.Path} was read before and cannot be read now");
        return ($"{task.Task.Name}: {string.Join(" ", labelled.Labels.Select(label => task.Task.Classes[label]))} ({Path.GetFileNameWithoutExtension(labelled.Path)})", logMel);
    });
}
