using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using OtoMask.Data;
using OtoMask.Embeddings;
using OtoMask.Evaluation;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.App.Commands;

/// <summary><c>otomask embed CHECKPOINT AUDIO --out X.npy</c>: what an encoder makes of recordings, as numbers for other programs.</summary>
internal static class EmbedCommand
{
    public static Command Create()
    {
        Argument<string> checkpoint = new("CHECKPOINT") { Description = $"The encoder: {ModelOptions.WhatACheckpointIs}." };
        Argument<string> audio = new("AUDIO") { Description = "Recording, folder of recordings or .npy log-mels (any depth), or CSV with a file_name column; paths relative to it." };
        Option<string> output = new("--out")
        {
            Description = "File for the embeddings. X.npy and X.safetensors (tensor 'embeddings') hold one float32 array [rows, numbers]; which rows belong to "
                + "which recording is in X.index.csv beside them (file_name,first_row,rows,seconds). X.csv has the name in every row. "
                + "What cannot be read is left out and listed in X.bad-files.csv.",
            Required = true,
            HelpName = "X.npy|X.csv|X.safetensors",
        };
        Option<string> per = new("--per") { Description = "A row for each clip (the mean of its frames) or for each frame.", DefaultValueFactory = _ => "clip" };
        Option<string> layers = new("--layers") { Description = "The last layer, or all of them: rows are then [layers, numbers], in CSV side by side.", DefaultValueFactory = _ => "last" };
        NumberOption<int> batch = new("--batch", EmbeddingOptions.BatchRange, "Inputs that go through the model together; memory grows with it.") { DefaultValueFactory = _ => EncoderSnapshot.DefaultChunksAtOnce, HelpName = "N" };
        NumberOption<int> workers = new("--workers", BatchOptions.WorkerRange, "Threads that decode (0 = all cores, at most 8).") { DefaultValueFactory = _ => 0, HelpName = "N" };
        DeviceOption device = new("Where the encoder runs");
        var model = new ModelOptions();
        per.AcceptOnlyFromAmong(Names<EmbeddingRow>());
        layers.AcceptOnlyFromAmong(Names<EncoderLayers>());

        Command command = new("embed", "Turn recordings into embeddings with a trained encoder, in the order of their names or of the CSV.")
        {
            checkpoint, audio, output, per, layers, batch, workers, device,
        };
        model.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            EmbeddingWriter.RequirePlaces(line.GetRequiredValue(output), [line.GetRequiredValue(audio), .. SavedModel.FilesAt(line.GetRequiredValue(checkpoint))]);
            Device where = device.Read(line);
            var options = new EmbeddingOptions
            {
                Per = Enum.Parse<EmbeddingRow>(line.GetRequiredValue(per), ignoreCase: true),
                Layers = Enum.Parse<EncoderLayers>(line.GetRequiredValue(layers), ignoreCase: true),
                Batch = batch.Read(line),
                Workers = workers.Read(line),
            };
            using EncoderSnapshot encoder = model.Open(line.GetRequiredValue(checkpoint), line).LoadEncoder(where);
            Run(encoder, line.GetRequiredValue(audio), line.GetRequiredValue(output), options, cancellation);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(EncoderSnapshot encoder, string audio, string output, EmbeddingOptions options, CancellationToken cancellation)
    {
        if (LogMelCache.IsCache(audio))
            throw new UserErrorException($"{audio} is a cache; name the audio it was made of");
        using ClipSource source = ClipSource.Open(audio, new ClipSourceOptions(encoder.LogMel));
        long begin = Stopwatch.GetTimestamp();
        EmbeddingSummary summary = Terminal.WithProgress(progress => EmbeddingWriter.Write(encoder, source.Clips, output, options, progress, cancellation));
        Tell(output, summary, Stopwatch.GetElapsedTime(begin).TotalSeconds);
    }

    private static void Tell(string output, EmbeddingSummary summary, double seconds)
    {
        Terminal.Tell(string.Create(CultureInfo.InvariantCulture,
            $"{output}: {summary.Clips} clips, {summary.Rows} rows of {summary.Width} numbers; {summary.SoundSeconds:0.#} s of sound in {seconds:0.0} s, {summary.SoundSeconds / seconds:0} x real time"));
        if (summary.Index is not null)
            Terminal.Tell($"{summary.Index}: which rows belong to which clip");
        if (summary.BadFilesPath is not null)
            BadFileList.Tell(summary.Bad, summary.Clips + summary.Bad.Count, summary.BadFilesPath);
    }

    private static string[] Names<T>() where T : struct, Enum => [.. Enum.GetNames<T>().Select(name => name.ToLowerInvariant())];
}
