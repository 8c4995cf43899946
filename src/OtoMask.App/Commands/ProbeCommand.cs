using System.CommandLine;
using System.Globalization;
using OtoMask.App.Reports;
using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Models;
using OtoMask.Torch;
using OtoMask.Weights;
using Spectre.Console;

namespace OtoMask.App.Commands;

/// <summary><c>otomask probe CHECKPOINT --task TASK.csv</c>: linear evaluation and k-NN, baselines beside them.</summary>
internal static class ProbeCommand
{
    private const string Random = "random", LogMelStats = "logmel-stats";
    private const ulong UntrainedSeed = 42;

    public static Command Create()
    {
        Argument<string?> checkpoint = new("CHECKPOINT") { Description = $"What to judge: {ModelOptions.WhatACheckpointIs}.", Arity = ArgumentArity.ZeroOrOne };
        Option<string> task = new("--task") { Description = "CSV file_name,label,split[,group][,fold]; paths relative to it.", Required = true, HelpName = "TASK.csv" };
        Option<string> mode = new("--mode") { Description = "How to probe: strict, evar (the field's protocol to the letter) or tuned (L2 chosen on validation; for small tasks).", DefaultValueFactory = _ => "strict" };
        Option<string> seeds = new("--seeds") { Description = "Seeds of the probe, separated by commas.", DefaultValueFactory = _ => "42,43,44", HelpName = "N,N,..." };
        Option<string?> encoder = new("--encoder") { Description = "Judge this baseline alone: random (the network untrained) or logmel-stats (mean and deviation of each mel band)." };
        NumberOption<double?> seconds = new("--seconds", TaskClips.UnitRange, "Unit length: longer clips are cropped, shorter ones padded. By default what fills the model's input.") { HelpName = "S" };
        Option<string> size = new("--size") { Description = "Size of a random encoder given without CHECKPOINT.", DefaultValueFactory = _ => "tiny" };
        ModelOptions model = new();
        DeviceOption device = new("Where encoders and probes run");
        Option<string?> output = new("--out") { Description = "File for every number, with seeds, mode and counts; `compare --probe` takes it.", HelpName = "NUMBERS.json" };
        mode.AcceptOnlyFromAmong([.. Enum.GetNames<ProbeMode>().Select(name => name.ToLowerInvariant())]);
        encoder.AcceptOnlyFromAmong(Random, LogMelStats);

        Command command = new("probe", "Judge a frozen encoder on a labelled task: linear probe and k-NN, untrained network and log-mel statistics beside them.")
        {
            checkpoint, task, mode, seeds, encoder, seconds, size, device, output,
        };
        model.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            Device where = device.Read(line);
            ulong[] probeSeeds = ParseSeeds(line.GetRequiredValue(seeds));
            double? length = seconds.Read(line);
            LabelledTask labelled = LabelledTask.Read(line.GetRequiredValue(task));
            string? path = line.GetValue(checkpoint), only = line.GetValue(encoder);
            string? numbers = line.GetValue(output);
            if (path is null && only is null)
                throw new UserErrorException($"name the CHECKPOINT to judge, or a baseline with --encoder {Random} or --encoder {LogMelStats}");
            if (line.GetResult(size) is { Implicit: false } && (path is not null || only == LogMelStats))
                throw new UserErrorException($"--size has no effect: it is of a random encoder without a CHECKPOINT, and {path ?? LogMelStats} is no such; leave it out");

            if (numbers is not null)
            {
                OutputPlace.Require(numbers, [labelled.CsvPath, .. labelled.Clips.Select(clip => clip.Path), .. path is null ? [] : SavedModel.FilesAt(path)]);
                ProbeFile.RequireReplaceable(numbers);
            }
            using EncoderSnapshot judged = path is not null
                ? model.Open(path, line).LoadEncoder(where)
                : Untrained(line.GetRequiredValue(size), model.Geometry(line), where);
            var clips = new TaskClips(labelled, judged.LogMel, TaskClips.UnitOf(judged, length));
            List<EmbeddingScores> scores = Judge(clips, judged, path, only, Enum.Parse<ProbeMode>(line.GetRequiredValue(mode), ignoreCase: true), probeSeeds, cancellation);

            Show(labelled, scores, clips.Unreadable);
            if (numbers is not null)
            {
                ProbeMetrics.Write(numbers, labelled, scores, clips.Unreadable);
                Terminal.TellMarked($"{numbers}: every number, with seeds, mode and counts");
            }
            return Task.CompletedTask;
        });
        return command;
    }

    // It has no data of its own to measure.
    private static EncoderSnapshot Untrained(string size, InputGeometry input, Device device) => EncoderSnapshot.Untrained(
        KnownSizes.Encoder(size), input, NormalisationStatistics.AudioSet, LogMelSettings.Default with { Bands = input.Bands }, UntrainedSeed, device);

    private static List<EmbeddingScores> Judge(
        TaskClips clips, EncoderSnapshot judged, string? path, string? only, ProbeMode mode, ulong[] seeds, CancellationToken cancellation)
    {
        List<EmbeddingScores> scores = [];
        AnsiConsole.Status().Start("reading clips", status =>
        {
            void Run(IClipEmbedding embedding)
            {
                Relay<WorkProgress> Tell(string unit) => new(told => status.Status(Terminal.AsText($"{embedding.Name}: {unit} {told.Done} of {told.All}")));
                EmbeddedTask embedded = EmbeddedTask.Embed(clips, embedding, Tell("clip"), cancellation);
                ProbeResult probe = LinearProbe.Run(embedded, mode, seeds, Tell("probe"), cancellation);
                scores.Add(new EmbeddingScores(probe, NearestNeighbours.Score(embedded)));
            }

            // A result says something only beside the untrained network's (docs/evaluation.md section 5), so the baselines run unasked.
            if (only is null)
                Run(new EncoderEmbedding(judged, path!));
            if (only is null or Random)
            {
                using EncoderSnapshot untrained = judged.Untrained(UntrainedSeed);
                Run(new EncoderEmbedding(untrained, Random));
            }
            if (only is null or LogMelStats)
                Run(new LogMelStatistics(judged.LogMel.Bands, judged.Encoder.Device));
        });
        return scores;
    }

    private static void Show(LabelledTask task, List<EmbeddingScores> scores, BadFiles unreadable)
    {
        ProbeResult first = scores[0].Probe;
        ClipCounts counts = first.Counts;
        Terminal.TellMarked($"[bold]{task.Name}[/]: {task.Classes.Count} classes; {counts.Train} clips to train on, {counts.Valid} to choose by, {counts.Test} to test on");
        Table table = new Table().WithColumns("encoder", $"{first.Metric} %", "95 % over seeds");
        if (!task.IsMultiLabel)
            table.WithColumns("95 % over clips", "gain of the first (95 % over clips)");
        table.WithColumns("k-NN %");
        foreach (EmbeddingScores row in scores)
            table.WithRow(Cells(row, first));
        Terminal.Show(table);
        foreach (string note in scores.SelectMany(row => row.Probe.Notes).Distinct())
            Terminal.TellMarked($"[yellow]note:[/] {note}");
        foreach (BadFile file in unreadable.ToList())
            Terminal.TellMarked($"[yellow]left out:[/] {file}");
    }

    private static IEnumerable<string> Cells(EmbeddingScores row, ProbeResult first)
    {
        yield return row.Probe.Embedding;
        yield return Text($"{row.Probe.Score.Value:0.0}");
        yield return Ends(row.Probe.Score);
        if (!first.Task.IsMultiLabel)
        {
            yield return Ends(Intervals.OverClips(row.Probe));
            yield return row.Probe == first ? "" : IntervalText.OfDifference(Intervals.PairedDifference(first, row.Probe)).ToString();
        }
        yield return Text($"{row.Knn:0.0}");
    }

    /// <summary>Both ends; a single seed has no interval, and one of no width would look like certainty.</summary>
    private static string Ends(Interval interval) => interval.HasWidth ? Text($"{interval.Low:0.0} - {interval.High:0.0}") : "–";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static ulong[] ParseSeeds(string text)
    {
        ulong[] seeds = [.. text.Split(',').Select(part => ulong.TryParse(part.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
            ? seed
            : throw new UserErrorException($"--seeds {text}: '{part}' is not a whole number from 0; write them like 42,43,44"))];
        return seeds.Distinct().Count() == seeds.Length
            ? seeds
            : throw new UserErrorException($"--seeds {text}: a seed twice adds nothing; make them differ");
    }
}
