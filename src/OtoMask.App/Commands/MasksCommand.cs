using System.CommandLine;
using OtoMask.App.Reports;
using OtoMask.Audio;
using OtoMask.Masking;

namespace OtoMask.App.Commands;

/// <summary><c>otomask masks AUDIO... --out gallery.html</c>: one page that shows what every masking strategy hides.</summary>
internal static class MasksCommand
{
    // A clip adds up to 0.1 MB a strategy's worth of page; a browser should open it at once.
    private const int MostClips = 50;
    private const double MostSeconds = 30;

    public static Command Create()
    {
        Argument<string[]> inputs = new("AUDIO") { Description = "Audio files.", Arity = ArgumentArity.OneOrMore };
        Option<string> output = new("--out")
        {
            Description = "The page to write.",
            DefaultValueFactory = _ => "gallery.html",
            HelpName = "FILE.html",
        };
        Option<string[]> maskings = new("--mask")
        {
            Description = $"Strategies to show; all if not given: {string.Join(", ", KnownMaskings.All.Select(masking => masking.Name))}.",
            AllowMultipleArgumentsPerToken = true,
            HelpName = "NAME...",
        };
        Option<string?> block = new("--mask-block") { Description = $"Patches of a block of inverse-block and block, along frequency x along time (default {MaskBlock.Published}).", HelpName = "ROWSxCOLUMNS" };
        NumberOption<double> seconds = new("--seconds", new NumberRange(0, MostSeconds) { IsAbove = true }, "How much of each file is shown, from its start.")
        {
            DefaultValueFactory = _ => 6.08,
            HelpName = "S",
        };
        Option<string> patch = new("--patch")
        {
            Description = "Patch size: bands x frames.",
            DefaultValueFactory = _ => "16x16",
            HelpName = "HxW",
        };
        Option<ulong> seed = new("--seed") { Description = "Seed of the masks.", DefaultValueFactory = _ => 42, HelpName = "N" };
        Command command = new("masks", "Show what every masking strategy hides of your audio, on one HTML page.")
        { inputs, output, maskings, block, seconds, patch, seed };
        command.SetAction(arguments =>
        {
            (int height, int width) = ParsePatch(arguments.GetRequiredValue(patch));
            GalleryPainter painter = new()
            {
                Maskings = Chosen(arguments.GetValue(maskings) ?? [], arguments.GetValue(block)),
                PatchHeight = height,
                PatchWidth = width,
                Seed = arguments.GetRequiredValue(seed),
            };
            Run(painter, arguments.GetRequiredValue(inputs), seconds.Read(arguments), arguments.GetRequiredValue(output),
                arguments.InvocationConfiguration);
        });
        return command;
    }

    private static void Run(GalleryPainter painter, string[] inputs, double seconds, string output, InvocationConfiguration console)
    {
        if (inputs.Length > MostClips)
            throw new UserErrorException($"{inputs.Length} audio files are too many for one page; give at most {MostClips}");

        OutputPlace.Require(output, inputs);
        LogMelExtractor extractor = new(painter.FrontEnd);
        List<GalleryClip> clips = [];
        List<string> unreadable = [];
        bool namesDiffer = inputs.DistinctBy(Path.GetFileName).Count() == inputs.Length;
        foreach (string input in inputs)
        {
            try
            {
                // A window more than shown, so that the last frame is not a reflection.
                double read = seconds + ((double)painter.FrontEnd.FftSize / painter.FrontEnd.SampleRate);
                float[] waveform = AudioFile.ReadMono(input, painter.FrontEnd.SampleRate, read);
                LogMel shown = ClipFrames.WithinSeconds(extractor.Compute(waveform), seconds);
                clips.Add(painter.Paint(namesDiffer ? Path.GetFileName(input) : input, shown, clips.Count));
            }
            catch (UnreadableAudioException error)
            {
                unreadable.Add(error.Message);
            }
        }
        if (clips.Count == 0)
            throw new UserErrorException($"no audio to show: {string.Join("; ", unreadable)}; give audio files");

        AtomicFile.WriteAllText(output, MaskGallery.Build(clips, painter.Strategies, Remarks(painter, unreadable)));
        foreach (string reason in unreadable)
            console.Error.Tell($"skipped {reason}");
        string count = clips.Count == 1 ? "1 clip" : $"{clips.Count} clips";
        console.Output.Tell($"{output}: {count} x {painter.Maskings.Count} strategies; open it in a browser");
    }

    private static List<string> Remarks(GalleryPainter painter, List<string> unreadable)
    {
        List<string> remarks =
        [
            $"Masks are drawn with seed {painter.Seed}. A hint ratio h gives the share h of the masked patches back and masks as many random ones "
                + "instead; training starts at 1 and falls towards 0.",
        ];
        string[] byFeatures =
            [.. painter.Maskings.Where(masking => masking.CreateFeatureStrategy() is not null).Select(masking => masking.Name)];
        if (byFeatures.Length > 0)
            remarks.Add($"{string.Join(" and ", byFeatures)} go by the features of the encoder in training. No encoder was trained for this "
                + "page: the normalised patches themselves stand in for its features.");
        remarks.AddRange(painter.Remarks);
        remarks.AddRange(unreadable.Select(reason => $"Left out, unreadable: {reason}."));
        return remarks;
    }

    private static IReadOnlyList<MaskingInfo> Chosen(string[] names, string? block)
    {
        IReadOnlyList<MaskingInfo> chosen = names.Length == 0 ? KnownMaskings.All : [.. names.Distinct().Select(KnownMaskings.Find)];
        if (block is null)
            return chosen;
        if (chosen.All(masking => masking.OfBlocks is null))
            throw new UserErrorException($"--mask-block has no effect: {string.Join(", ", chosen.Select(masking => masking.Name))} are not made of blocks of one size; leave it out");
        var size = MaskBlock.Parse(block);
        return [.. chosen.Select(masking => masking.InBlocks(size))];
    }

    private static (int Height, int Width) ParsePatch(string text) =>
        text.Split('x') is [var height, var width] && int.TryParse(height, out int bands) && int.TryParse(width, out int frames)
            && bands is > 0 and <= 80 && frames is > 0 and <= 1000
            ? (bands, frames)
            : throw new UserErrorException($"--patch {text}: give bands x frames, such as 16x16; the bands must divide 80");
}
