using System.CommandLine;
using OtoMask.Evaluation;
using OtoMask.Export;
using OtoMask.FineTuning;

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
        Command command = new("export", "Write a trained model as ONNX, safetensors or PyTorch checkpoint, for other programs.") { run, format, output, encoderOnly };
        foreign.AddTo(command);
        command.SetAction(line =>
        {
            ExportFormat chosen = KnownExports.Find(line.GetRequiredValue(format));
            string path = line.GetRequiredValue(run);
            using ExportedModel model = ExportedModel.Of(foreign.Open(path, line), line.GetValue(encoderOnly));
            string file = line.GetValue(output) ?? DefaultFile(chosen, $"{model.FieldName}-{NameOf(path)}");
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
        console.WriteLine(FormattableString.Invariant($"{file}: {model.FieldName}, {new FileInfo(file).Length / 1e6:0.0} MB"));
        if (format.Name == "onnx")
        {
            console.WriteLine(FormattableString.Invariant($"  in:  waveform [batch, samples], float32 at {encoder.LogMel.SampleRate} Hz"));
            console.WriteLine(FormattableString.Invariant($"  out: frames [batch, steps, {encoder.EmbeddingWidth}], clip [batch, {encoder.EmbeddingWidth}]"));
        }
        if (model.Head?.State is { } head)
            Tell(console, format, head);
        if (format.Name == "pth" && !FolderOf(file).StartsWith(model.FieldName, StringComparison.Ordinal))
            console.WriteLine($"  published code reads the geometry from the folder's name: put it in one that begins with {model.FieldName}");
    }

    private static void Tell(TextWriter console, ExportFormat format, FineTunedState head)
    {
        int classes = head.Classes.Length;
        string seconds = FormattableString.Invariant($"{(double)head.UnitSamples / head.LogMel.SampleRate:0.###} s");
        if (format.Name == "onnx")
            console.WriteLine($"       logits [batch, {classes}], probabilities [batch, {classes}], those of `otomask predict`: means over units of {seconds}, the last filled up with silence");
        console.WriteLine($"  head: {classes} classes, {(head.MultiLabel ? "any number of them a clip" : "one a clip")}, learnt from clips of {seconds}; their names are in the file");
    }

    private static string FolderOf(string file) => Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(file))) ?? "";
}
