using System.CommandLine;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Weights;

namespace OtoMask.App.Commands;

/// <summary><c>otomask import CHECKPOINT.pth --out RUN</c>: weights of another program as a run folder of ours.</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        Argument<string> checkpoint = new("CHECKPOINT") { Description = $"What to import: {ModelOptions.WhatACheckpointIs}." };
        Option<string> output = new("--out") { Description = "Run folder to make.", Required = true, HelpName = "RUN" };
        ModelOptions model = new();
        Command command = new(
            "import", $"Make a run folder of a checkpoint of {KnownFrameworks.Titles} from elsewhere, which every command then takes. Nothing in the file is run.") { checkpoint, output };
        model.AddTo(command);
        command.SetAction(line =>
        {
            var folder = new RunFolder(line.GetRequiredValue(output));
            folder.RequireFree();
            SavedModel saved = model.Open(line.GetRequiredValue(checkpoint), line);
            ModelImport.Write(saved, folder);
            Terminal.Tell($"{folder.Path}: {Describe(saved)}");
            Terminal.Tell($"use it as any run: otomask probe {folder.Path} --task TASK.csv, or begin from it: otomask pretrain --from {folder.Path} --data PATH --out RUN");
        });
        return command;
    }

    private static string Describe(SavedModel model) => string.Join(", ",
        model.Framework is { } framework ? framework.Name : "encoder alone",
        $"encoder {model.Encoder}",
        model.Decoder is { } decoder ? $"{model.Framework!.DecoderName} {decoder}" : "nothing that predicts hidden patches",
        $"input {model.Input.InputText} in patches of {model.Input.PatchText}",
        $"{model.LogMel.SampleRate} Hz",
        FormattableString.Invariant($"normalised by mean {model.Normalisation.Mean:0.###} and deviation {model.Normalisation.Std:0.###}"));
}
