using System.CommandLine;
using OtoMask.Evaluation;
using OtoMask.Export;
using OtoMask.FineTuning;
using OtoMask.Weights;

namespace OtoMask.App.Commands;

/// <summary><c>otomask export RUN --format onnx</c>: a trained model for other programs.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        Argument<string> run = new("RUN") { Description = $"What to export: {ModelOptions.WhatACheckpointIs}." };
        var foreign = new ModelOptions();
        Option<string> format = new("--format")
        {
            Description = string.Join("; ", KnownExports.All.Select(known => $"{known.Name}: {known.Summary}")) + ".",
            Required = true,
            HelpName = string.Join('|', KnownExports.All.Select(known => known.Name)),
        };
        Option<string?> output = new("--out")
        {
            Description = "File to write. By default one in this folder named by model, input, patch and RUN; for pth in a folder of that name, where published code looks for the geometry.",
            HelpName = "FILE",
        };
        Option<bool> encoderOnly = new("--encoder-only") { Description = "Leave out the head of a fine-tuned model, or the decoder or predictor and target network, which only pre-training needs (onnx never has those)." };
        Option<bool> classesOnly = new("--classes-only") { Description = "Of a fine-tuned model as onnx: leave out the embeddings, which cost as much work again." };
        Command command = new("export", "Write a trained model as ONNX, safetensors or PyTorch checkpoint, for other programs.") { run, format, output, encoderOnly, classesOnly };
        foreign.AddTo(command);
        command.SetAction(line =>
        {
            ExportFormat chosen = KnownExports.Find(line.GetRequiredValue(format));
            string path = line.GetRequiredValue(run);
            if (line.GetValue(classesOnly) && chosen.Name != "onnx")
                throw new UserErrorException($"--classes-only is for --format onnx; {chosen.Name} holds weights, not what is computed with them");
            string? named = line.GetValue(output);
            if (named is not null) // the name by default follows from the model
                OutputPlace.Require(named, SavedModel.FilesAt(path));
            using ExportedModel model = ExportedModel.Of(foreign.Open(path, line), line.GetValue(encoderOnly), line.GetValue(classesOnly));
            string file = named ?? DefaultFile(chosen, $"{model.FieldName}-{NameOf(path)}");
            if (named is null)
                OutputPlace.Require(file, SavedModel.FilesAt(path));
            chosen.Write(model, file);
            Tell(line.InvocationConfiguration.Output, chosen, model, file);
        });
        return command;
    }

    /// <summary>The file to write where none is named; makes the folder that a .pth lies in.</summary>
    private static string DefaultFile(ExportFormat format, string name)
    {
        if (format.Name != "pth")
            return $"{name}.{format.Name}";
        Directory.CreateDirectory(name);
        return Path.Combine(name, "checkpoint.pth");
    }

    private static string NameOf(string path) => Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));

    private static void Tell(TextWriter console, ExportFormat format, ExportedModel model, string file)
    {
        EncoderSnapshot encoder = model.Encoder;
        console.Tell(FormattableString.Invariant($"{file}: {model.FieldName}, {new FileInfo(file).Length / 1e6:0.0} MB"));
        if (format.Name == "onnx")
        {
            console.Tell(FormattableString.Invariant($"  in:  waveform [batch, samples], float32 at {encoder.LogMel.SampleRate} Hz"));
            console.Tell($"  out: {string.Join(", ", Outputs(model))}");
        }
        if (model.Head?.State is { } head)
            Tell(console, format, head);
        if (format.Name == "pth" && !FolderOf(file).StartsWith(model.FieldName, StringComparison.Ordinal))
            console.Tell($"  published code reads the geometry from the folder's name: put it in one that begins with {model.FieldName}");
    }

    private static IEnumerable<string> Outputs(ExportedModel model)
    {
        int width = model.Encoder.EmbeddingWidth;
        string[] embeddings = model.ClassesOnly ? [] : [$"frames [batch, steps, {width}]", $"clip [batch, {width}]"];
        string[] classes = model.Head is { } head ? [$"logits [batch, {head.State.Classes.Length}]", $"probabilities [batch, {head.State.Classes.Length}]"] : [];
        return [.. embeddings, .. classes];
    }

    private static void Tell(TextWriter console, ExportFormat format, FineTunedState head)
    {
        string seconds = FormattableString.Invariant($"{(double)head.UnitSamples / head.LogMel.SampleRate:0.###} s");
        console.Tell($"  head: {head.Classes.Length} classes, {(head.MultiLabel ? "any number of them a clip" : "one a clip")}, learnt from clips of {seconds}; their names are in the file");
        if (format.Name == "onnx")
            console.Tell($"        as `otomask predict` does, a longer clip is cut in units of {seconds} and their probabilities averaged, a shorter one filled up with silence");
    }

    private static string FolderOf(string file) => Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(file))) ?? "";
}
