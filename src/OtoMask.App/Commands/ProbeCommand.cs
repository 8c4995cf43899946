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
        Option<string?> shots = new("--shots") { Description = "Tell test clips by so many clips a class besides (their mean is the class's prototype), many times over: 1,5 for example.", HelpName = "N,N,..." };
        Option<bool> attentive = new("--attentive") { Description = "Fit an attentive probe besides: learnt queries choose among the patches of a clip instead of taking their mean. Takes longer, and more memory." };
        Option<bool> layers = new("--layers") { Description = "Judge every layer of CHECKPOINT besides: the last is not always the best one." };
        NumberOption<double?> seconds = new("--seconds", TaskClips.UnitRange, "Unit length: longer clips are cropped, shorter ones padded. By default what fills the model's input.") { HelpName = "S" };
        Option<string> size = new("--size") { Description = "Size of a random encoder given without CHECKPOINT.", DefaultValueFactory = _ => "tiny" };
        ModelOptions model = new();
        DeviceOption device = new("Where encoders and probes run");
        Option<string?> output = new("--out") { Description = "File for every number, with seeds, mode and counts; `compare --probe` takes it.", HelpName = "NUMBERS.json" };
        mode.AcceptOnlyFromAmong([.. Enum.GetNames<ProbeMode>().Select(name => name.ToLowerInvariant())]);
        encoder.AcceptOnlyFromAmong(Random, LogMelStats);

        Command command = new("probe", "Judge a frozen encoder on a labelled task: linear probe and k-NN, untrained network and log-mel statistics beside them.")
        {
            checkpoint, task, mode, seeds, shots, attentive, layers, encoder, seconds, size, device, output,
        };
        model.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            Device where = device.Read(line);
            ulong[] probeSeeds = ParseSeeds(line.GetRequiredValue(seeds));
            int[] few = ParseShots(line.GetValue(shots));
            double? length = seconds.Read(line);
            LabelledTask labelled = LabelledTask.Read(line.GetRequiredValue(task));
            string? path = line.GetValue(checkpoint), only = line.GetValue(encoder);
            string? numbers = line.GetValue(output);
            if (line.GetValue(attentive) && only == LogMelStats)
                throw new UserErrorException($"--attentive has no effect: {LogMelStats} has no patches to attend to; leave it out");
            if (line.GetValue(layers) && (path is null || only is not null))
                throw new UserErrorException("--layers has no effect: it is of a CHECKPOINT that is judged, with its baselines; leave it out");
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
            List<EmbeddingScores> scores = Judge(clips, judged, path, only, Enum.Parse<ProbeMode>(line.GetRequiredValue(mode), ignoreCase: true), probeSeeds, few, line.GetValue(attentive), line.GetValue(layers), cancellation);

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
        TaskClips clips, EncoderSnapshot judged, string? path, string? only, ProbeMode mode, ulong[] seeds, int[] shots, bool attends, bool everyLayer, CancellationToken cancellation)
    {
        List<EmbeddingScores> scores = [];
        AnsiConsole.Status().Start("reading clips", status =>
        {
            Relay<WorkProgress> Tell(string what, string unit) => new(told => status.Status(Terminal.AsText($"{what}: {unit} {told.Done} of {told.All}")));

            EmbeddedTask Embed(IClipEmbedding embedding) => EmbeddedTask.Embed(clips, embedding, Tell(embedding.Name, "clip"), cancellation);

            void Run(EmbeddedTask embedded, EncoderSnapshot? encoder)
            {
                string name = embedded.Embedding;
                ProbeResult probe = LinearProbe.Run(embedded, mode, seeds, Tell(name, "probe"), cancellation);
                scores.Add(new EmbeddingScores(
                    probe, NearestNeighbours.Score(embedded), [.. shots.Select(count => PrototypeProbe.Run(embedded, count, cancellation: cancellation))],
                    attends && encoder is not null ? AttentiveProbe.Run(clips, encoder, name, seeds, Tell(name, "attentive probe"), cancellation) : null));
            }

            // Clips are encoded once: of all layers side by side, the last one is what is judged anyway.
            void RunLayers()
            {
                EmbeddedTask all = Embed(new EncoderEmbedding(judged, path!, EncoderLayers.All));
                EmbeddedTask Layer(int layer, string name) => all.Part(name, layer * judged.EmbeddingWidth, judged.EmbeddingWidth);
                Run(Layer(judged.Depth - 1, path!), judged);
                for (int layer = 0; layer < judged.Depth; layer++)
                {
                    EmbeddedTask embedded = Layer(layer, $"{path}, layer {layer + 1}");
                    status.Status(Terminal.AsText($"{embedded.Embedding}: probing"));
                    scores.Add(new EmbeddingScores(LinearProbe.Run(embedded, mode, seeds, cancellation: cancellation), NearestNeighbours.Score(embedded), [], null));
                }
            }

            // A result says something only beside the untrained network's (docs/evaluation.md section 5), so the baselines run unasked.
            if (everyLayer)
                RunLayers();
            else if (only is null)
                Run(Embed(new EncoderEmbedding(judged, path!)), judged);
            if (only is null or Random)
            {
                using EncoderSnapshot untrained = judged.Untrained(UntrainedSeed);
                Run(Embed(new EncoderEmbedding(untrained, Random)), untrained);
            }
            if (only is null or LogMelStats)
                Run(Embed(new LogMelStatistics(judged.LogMel.Bands, judged.Encoder.Device)), null);
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
        bool attends = scores.Any(row => row.Attentive is not null);
        if (attends)
            table.WithColumns("attentive %", "95 % over seeds");
        table.WithColumns(["k-NN %", .. scores[0].FewShot.Select(few => $"{few.Shots}-shot %")]);
        foreach (EmbeddingScores row in scores)
            table.WithRow(Cells(row, scores[0], attends));
        Terminal.Show(table);
        foreach (string note in scores.SelectMany(row => row.Probe.Notes).Distinct())
            Terminal.TellMarked($"[yellow]note:[/] {note}");
        foreach (BadFile file in unreadable.ToList())
            Terminal.TellMarked($"[yellow]left out:[/] {file}");
    }

    private static IEnumerable<string> Cells(EmbeddingScores row, EmbeddingScores first, bool attends)
    {
        yield return row.Probe.Embedding;
        yield return Text($"{row.Probe.Score.Value:0.0}");
        yield return Ends(row.Probe.Score);
        if (!first.Probe.Task.IsMultiLabel)
        {
            yield return Ends(Intervals.OverClips(row.Probe));
            yield return row == first ? "" : IntervalText.OfDifference(Intervals.PairedDifference(first.Probe, row.Probe)).ToString();
        }
        if (attends)
        {
            yield return row.Attentive is { } attentive ? Text($"{attentive.Score.Value:0.0}") : "–";
            yield return row.Attentive is { } same ? Ends(same.Score) : "–";
        }
        yield return Text($"{row.Knn:0.0}");
        for (int i = 0; i < first.FewShot.Count; i++)
            yield return i < row.FewShot.Count ? Text($"{row.FewShot[i].Score.Value:0.0} ± {row.FewShot[i].Score.HalfWidth:0.0}") : "–";
    }

    /// <summary>Both ends; a single seed has no interval, and one of no width would look like certainty.</summary>
    private static string Ends(Interval interval) => interval.HasWidth ? Text($"{interval.Low:0.0} - {interval.High:0.0}") : "–";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static int[] ParseShots(string? text) => text is null ? [] :
    [
        .. text.Split(',').Select(part => int.TryParse(part.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int count) && PrototypeProbe.ShotRange.Contains(count)
            ? count
            : throw new UserErrorException($"--shots {text}: '{part}' is no number of clips; give numbers {PrototypeProbe.ShotRange}, with commas between")).Distinct(),
    ];

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
