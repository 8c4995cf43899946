using System.CommandLine;
using System.Globalization;
using OtoMask.Data;
using OtoMask.FineTuning;
using OtoMask.Weights;
using Spectre.Console;

namespace OtoMask.App.Commands;

/// <summary><c>otomask predict FINETUNED AUDIO...</c>: the most probable labels of recordings.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        Argument<string> model = new("FINETUNED") { Description = "Run folder of otomask finetune, one of its checkpoints, or what otomask export made of it as safetensors." };
        Argument<string[]> audio = new("AUDIO") { Description = "Recordings, or folders of them.", Arity = ArgumentArity.OneOrMore };
        NumberOption<int> top = new("--top", new NumberRange(1, int.MaxValue), "How many labels to name.") { DefaultValueFactory = _ => 3, HelpName = "K" };
        Option<string?> output = new("--out") { Description = "CSV to write: file_name,rank,label,probability.", HelpName = "X.csv" };
        DeviceOption device = new("Where the model runs");
        Command command = new("predict", "Name the classes of recordings with a fine-tuned model.") { model, audio, top, output, device };
        command.SetAction((line, cancellation) =>
        {
            int most = top.Read(line);
            if (line.GetValue(output) is { } place)
                OutputPlace.Require(place, [.. SavedModel.FilesAt(line.GetRequiredValue(model)), .. Predictor.Recordings(line.GetRequiredValue(audio))]);
            using var predictor = Predictor.Open(line.GetRequiredValue(model), device.Read(line));
            IReadOnlyList<string> recordings = Predictor.Recordings(line.GetRequiredValue(audio));
            var unreadable = new BadFiles();
            List<RankedLabel> ranked = Predict(predictor, recordings, most, unreadable, tellsProgress: line.GetValue(output) is not null, cancellation);
            if (unreadable.Count == recordings.Distinct().Count())
                throw unreadable.WhenAllAreBad();

            foreach (BadFile file in unreadable.ToList())
                Terminal.TellError($"left out: {file}");
            if (line.GetValue(output) is { } csv)
            {
                Predictor.WriteCsv(csv, ranked);
                Terminal.TellMarked($"{csv}: {ranked.Count / Math.Min(most, predictor.Classes.Count)} recordings, {unreadable.Count} left out");
            }
            return Task.CompletedTask;
        });
        return command;
    }

    /// <summary>Predicts, showing either each recording as it is done or how far the work is.</summary>
    private static List<RankedLabel> Predict(
        Predictor predictor, IReadOnlyList<string> recordings, int top, BadFiles unreadable, bool tellsProgress, CancellationToken cancellation)
    {
        List<RankedLabel> All(Action<IReadOnlyList<RankedLabel>> tell)
        {
            var ranked = new List<RankedLabel>();
            foreach (Prediction prediction in predictor.Predict(recordings, unreadable, cancellation))
            {
                cancellation.ThrowIfCancellationRequested();
                IReadOnlyList<RankedLabel> own = predictor.Rank(prediction, top);
                ranked.AddRange(own);
                tell(own);
            }
            return ranked;
        }

        if (!tellsProgress)
            return All(own => Terminal.Tell($"{own[0].Path}: {string.Join(", ", own.Select(label => Text($"{label.Label} {label.Probability:0.000}")))}"));
        return Terminal.WithProgress("predicting", tell =>
        {
            int done = 0;
            return All(_ => tell.Report(new WorkProgress("", ++done, recordings.Count)));
        });
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
