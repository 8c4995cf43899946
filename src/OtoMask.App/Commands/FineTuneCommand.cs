using System.CommandLine;
using OtoMask.App.Reports;
using OtoMask.Configuration;
using OtoMask.Distributed;
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
        ProcessOptions processes = new();
        ConfigOptions<FineTuningConfig> values = new([.. FineTuningKeys.All.Where(key => key.Name != FineTuningKeys.Checkpoint)]);
        Command command = new(Verb, "Train an encoder further, with a head, to tell the classes of a labelled task.") { checkpoint };
        options.AddTo(command);
        values.AddTo(command);
        processes.AddTo(command);
        ModelOptions model = new();
        model.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            int? stopAt = options.StopAt(line);
            FineTuningConfig Read(FineTuningConfig start)
            {
                FineTuningConfig config = values.Read(line, options.ConfigFile(line) is { } file ? ConfigFile.Read(file, FineTuningKeys.All, start) : start);
                return values.InEffect(line, config with { Checkpoint = Absolute(line.GetValue(checkpoint) ?? config.Checkpoint), Task = Absolute(config.Task) });
            }

            if (options.Resumed(line) is { } run)
            {
                if (line.GetValue(checkpoint) is not null)
                    throw new UserErrorException("CHECKPOINT is what a new run begins with, --resume goes on with a run: choose one");
                model.RequireNone(line, "a run that is resumed knows its own geometry");
                string device = Read(new FineTuningConfig()).Device;
                return Task.FromResult(processes.Run(line, device, cancellation, group => Resume(group, run, Read, RunOptions.Accept(options.IsForced(line)), stopAt, cancellation)));
            }
            FineTuningConfig configuration = Read(new FineTuningConfig());
            string folder = options.NewRun(line);
            configuration.Validate();
            return Task.FromResult(processes.Run(line, configuration.Device, cancellation, group => Begin(group, folder, configuration, () => model.Open(configuration.Checkpoint, line), stopAt, cancellation)));
        });
        return command;
    }

    /// <summary>Begins a run, or goes on with the one that processes have left there.</summary>
    private static void Begin(TrainingGroup group, string path, FineTuningConfig config, Func<SavedModel> open, int? stopAt, CancellationToken cancellation)
    {
        RunFolder folder = new(path);
        if (ProcessOptions.GoesOn(group, folder))
        {
            Resume(group, path, run => config with { Bf16By = config.Bf16By ?? run.Bf16By }, (_, changes) => throw ProcessOptions.BegunOtherwise(path, changes), stopAt, cancellation);
            return;
        }
        if (group.IsFirst)
            folder.RequireFree();
        SavedModel model = open();
        Show(group, display =>
        {
            using FineTuningSetup setup = FineTuningSetup.Begin(config, model, display, cancellation, group);
            string Run() => Train(folder, setup, stopAt, display, cancellation);
            return group.IsFirst ? new RunInWork(folder).Begin(Run) : Run();
        });
    }

    private static void Resume(
        TrainingGroup group, string path, Func<FineTuningConfig, FineTuningConfig> configure, Action<string, IReadOnlyList<ConfigChange>> accept, int? stopAt, CancellationToken cancellation)
    {
        RunFolder folder = group.IsFirst ? RunFolder.Of(path) : new RunFolder(path);
        var run = new RunInWork(folder);
        if (group.IsFirst)
            run.Open();
        Show(group, display =>
        {
            display.Stage("reading the checkpoint");
            FineTunedCheckpoint from = SharedFile.Read(group, () => FineTunedCheckpoint.ReadToResume(path), checkpoint => checkpoint.Path, FineTunedCheckpoint.ReadToResume);
            using FineTuningSetup setup = FineTuningSetup.Resume(from, configure(from.Config), changes => accept(from.Path, changes), display, group);
            string Run() => Train(folder, setup, stopAt, display, cancellation);
            return group.IsFirst ? run.Train(Run) : Run();
        });
    }

    private static void Show(TrainingGroup group, Func<RunDisplay, string> work) => RunDisplay.Show(Verb, work, isQuiet: !group.IsFirst);

    /// <summary>Trains, tests the best epoch, then writes metrics and report, also of a run that had to be stopped.</summary>
    /// <returns>What to tell the user at the end.</returns>
    private static string Train(RunFolder folder, FineTuningSetup setup, int? stopAt, RunDisplay display, CancellationToken cancellation)
    {
        if (setup.Group.IsFirst)
            ConfigFile.Write(folder.Config, setup.Config, FineTuningKeys.All);
        foreach (string shortcoming in setup.Shortcomings)
            display.Warning(shortcoming);
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
        if (!setup.Group.IsFirst)
            return;
        RunLog log = RunLog.Read(folder.Log);
        AtomicFile.WriteAllText(folder.Metrics, FineTuningMetrics.ToJson(setup, tuner, result, RunMetrics.Of(log, setup.StepClips)));
        AtomicFile.WriteAllText(folder.Report, FineTuningReport.Build(new FineTuningSummary
        {
            Name = folder.Name,
            Setup = setup,
            Log = log,
            Best = tuner.Best,
            Result = result,
            Warnings = log.WarningsWith(display.Warnings),
            Environment = RunInWork.Environment(setup.Config.Device),
        }));
    }

    private static string Absolute(string path) => path.Length == 0 ? path : Path.GetFullPath(path);
}
