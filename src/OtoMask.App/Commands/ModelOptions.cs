using System.CommandLine;
using OtoMask.Geometry;
using OtoMask.Weights;

namespace OtoMask.App.Commands;

/// <summary>How every command takes a CHECKPOINT: what it may be, and the options that say what a model from elsewhere does not say itself.</summary>
internal sealed class ModelOptions
{
    /// <summary>For the description of a CHECKPOINT argument.</summary>
    public const string WhatACheckpointIs = "a run folder, a checkpoint, weights from elsewhere (.pth, .safetensors), or a folder with one";

    private static readonly NumberRange Heads = new(1, 16_384);
    private readonly Option<string?> input = new("--input") { Description = "Mel bands x frames of a model that does not say it itself, for example 80x608.", HelpName = "80x608" };
    private readonly Option<string?> patch = new("--patch") { Description = "Mel bands x frames of its patches.", HelpName = "16x16" };
    private readonly NumberOption<int?> heads = new("--heads", Heads, "Attention heads of its encoder (default: width / 64, at least 1).") { HelpName = "N" };
    private readonly NumberOption<int?> decoderHeads = new("--decoder-heads", Heads, "Attention heads of its decoder or predictor (default: as published, else width / 64).") { HelpName = "N" };
    private readonly Option<int?> sampleRate = new("--sample-rate") { Description = "Its sampling rate in Hz (default: what its name says, else 16000).", HelpName = "16000|32000" };

    private Option[] All => [input, patch, heads, decoderHeads, sampleRate];

    public void AddTo(Command command)
    {
        foreach (Option option in All)
            command.Options.Add(option);
    }

    /// <summary>Refuses all of them where there is no model that they could say something about.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="why">Why they have no effect.</param>
    /// <exception cref="UserErrorException">One is given.</exception>
    public void RequireNone(ParseResult line, string why) => RequireNone(line, why, All);

    private static void RequireNone(ParseResult line, string why, params ReadOnlySpan<Option> options)
    {
        foreach (Option option in options)
        {
            if (line.GetResult(option) is not null)
                throw new UserErrorException($"{option.Name} has no effect: {why}; leave it out");
        }
    }

    /// <summary>Opens a model and tells what was taken for granted about it.</summary>
    /// <exception cref="UserErrorException">As <see cref="SavedModel.Open"/>.</exception>
    public SavedModel Open(string path, ParseResult line)
    {
        SavedModel model = SavedModel.Open(path, new GeometryHints
        {
            Input = line.GetValue(input),
            Patch = line.GetValue(patch),
            Heads = heads.Read(line),
            DecoderHeads = decoderHeads.Read(line),
            SampleRate = line.GetValue(sampleRate),
        });
        foreach (string note in model.Notes)
            Terminal.TellMarked($"[yellow]note:[/] {path}: {Wording.Of(note)}");
        return model;
    }

    /// <summary>The geometry said, for a baseline without a checkpoint.</summary>
    /// <exception cref="UserErrorException">It is impossible, or something else is said about a checkpoint.</exception>
    public InputGeometry Geometry(ParseResult line)
    {
        RequireNone(line, "no CHECKPOINT is given", heads, decoderHeads, sampleRate);
        return InputGeometry.Parse(line.GetValue(input) ?? "80x608", line.GetValue(patch) ?? "16x16");
    }
}
