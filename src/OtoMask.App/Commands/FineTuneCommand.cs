using System.CommandLine;
using OtoMask.App.Reports;
using OtoMask.Configuration;
using OtoMask.FineTuning;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Weights;

namespace OtoMask.App.Commands;

/// <summary><c>otomask finetune CHECKPOINT --task TASK.csv --out RUN</c>, and <c>--resume RUN</c> to go on.</summary>
internal static class FineTuneCommand
{
    private const string Verb = "finetune";

    public static Command Create()
    {
        Argument<string?> checkpoint = new("CHECKPOINT") { Description = $"What to begin from: {ModelOptions.WhatACheckpointIs}.", Arity = ArgumentArity.ZeroOrOne };
        RunOptions options = new();
        ConfigOptions<FineTuningConfig> values = new([.. FineTuningKeys.All.Where(key => key.Name != FineTuningKeys.Checkpoint)]);
        Command command = new(Verb, "Train an encoder further, with a head, to tell the classes of a labelled task.") { checkpoint };
        options.AddTo(command);
        values.AddTo(command);
        ModelOptions model = new();
        model.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            ProcessOptions.RequireAlone(Verb);
            int? stopAt = options.StopAt(line);
            FineTuningConfig Read(FineTuningConfig start)
            {
                FineTuningConfig config = values.Read(line, options.ConfigFile(line) is { } file ? ConfigFile.Read(file, FineTuningKeys.All, start) : start);
                return values.InEffect(line, config with { Checkpoint = Absolute(line.GetValue(checkpoint) ?? config.Checkpoint), Task = Absolute(config.Task) });
            }

            Task<int> Ended()
            {
                cancellation.ThrowIfCancellationRequested();
                return Task.FromResult(0);
            }

            if (options.Resumed(line) is { } run)
            {
                if (line.GetValue(checkpoint) is not null)
                    throw new UserErrorException("CHECKPOINT is what a new run begins with, --resume goes on with a run: choose one");
                model.RequireNone(line, "a run that is resumed knows its own geometry");
                Resume(run, Read, options.IsForced(line), stopAt, cancellation);
                return Ended();
            }
            FineTuningConfig configuration = Read(new FineTuningConfig());
            RunFolder folder = new(options.NewRun(line));
            configuration.Validate();
            folder.RequireFree();
            Begin(folder, configuration, model.Open(configuration.Checkpoint, line), stopAt, cancellation);
            return Ended();
        });
        return command;
    }

    private static void Begin(RunFolder folder, FineTuningConfig config, SavedModel model, int? stopAt, CancellationToken cancellation) => RunDisplay.Show(
        Verb,
        display =>
        {
            using FineTuningSetup setup = FineTuningSetup.Begin(config, model, display, cancellation);
            return new RunInWork(folder).Begin(() => Train(folder, setup, stopAt, display, cancellation));
        });

    private static void Resume(string path, Func<FineTuningConfig, FineTuningConfig> configure, bool force, int? stopAt, CancellationToken cancellation)
    {
        RunFolder folder = RunFolder.Of(path);
        var run = new RunInWork(folder);
        run.Open();
        RunDisplay.Show(
            Verb,
            display =>
            {
                display.Stage("reading the checkpoint");
                FineTunedCheckpoint from = FineTunedCheckpoint.ReadToResume(path);
                using FineTuningSetup setup = FineTuningSetup.Resume(from, configure(from.Config), changes => RunOptions.Accept(force)(from.Path, changes), display);
                return run.Train(() => Train(folder, setup, stopAt, display, cancellation));
            });
    }

    /// <summary>Trains, tests the best epoch, then writes metrics and report, also of a run that had to be stopped.</summary>
    /// <returns>What to tell the user at the end.</returns>
    private static string Train(RunFolder folder, FineTuningSetup setup, int? stopAt, RunDisplay display, CancellationToken cancellation)
    {
        ConfigFile.Write(folder.Config, setup.Config, FineTuningKeys.All);
        foreach (string note in setup.Notes)
            display.Warning(note);
        if (setup.Config.Mode == FineTuningMode.SelectOnTest)
            display.Warning("the best epoch is chosen on the test clips, so its score is optimistic; --mode strict does not");
        using var tuner = new FineTuner(folder, setup, display);
        FineTuningResult? result = null;
        try
        {
            if (tuner.Run(stopAt, cancellation) == TrainingEnd.Finished)
            {
                display.Stage("scoring the best epoch on the test clips");
                result = tuner.Test();
            }
        }
        catch (TrainingDivergedException)
        {
            Conclude(folder, setup, tuner, null, display);
            throw;
        }
        Conclude(folder, setup, tuner, result, display);
        display.Note(setup.BadFiles, setup.Task.Clips.Count, folder);
        return result is null
            ? $"stopped after step {tuner.StepsDone} of {tuner.TotalSteps}; go on with: otomask finetune --resume {folder.Path}"
            : $"{FineTuningReport.Sentence(result, setup.Config)}; {folder.BestCheckpoint} is the model: otomask predict {folder.Path} AUDIO";
    }

    private static void Conclude(RunFolder folder, FineTuningSetup setup, FineTuner tuner, FineTuningResult? result, RunDisplay display)
    {
        RunLog log = RunLog.Read(folder.Log);
        AtomicFile.WriteAllText(folder.Metrics, FineTuningMetrics.ToJson(setup, tuner, result, RunMetrics.Of(log, setup.StepClips)));
        AtomicFile.WriteAllText(folder.Report, FineTuningReport.Build(new FineTuningSummary
        {
            Name = folder.Name,
            Setup = setup,
            Log = log,
            Best = tuner.Best,
            Result = result,
            Warnings = display.Warnings,
            Environment = RunInWork.Environment(setup.Config.Device),
        }));
    }

    private static string Absolute(string path) => path.Length == 0 ? path : Path.GetFullPath(path);
}
