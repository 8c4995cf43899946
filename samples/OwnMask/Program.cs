// A masking strategy of one's own, beside random masking: dotnet run --project samples/OwnMask -- DATA TASK.csv OUT [STEPS]
using System.Globalization;
using OtoMask;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Pretraining;

if (args is not [{ Length: > 0 } data, { Length: > 0 } taskFile, { Length: > 0 } output, ..])
{
    Console.Error.WriteLine("usage: OwnMask DATA TASK.csv OUT [STEPS] (a folder of audio, a labelled task, and where two runs go)");
    return 2;
}
try
{
    KnownMaskings.Add(new MaskingInfo
    {
        Name = "loudest",
        Summary = "the loudest patches, by chance",
        DependsOn = "the input",
        ReadsInput = true,
        Data = () => new LoudestMasking(),
    });
    LabelledTask task = LabelledTask.Read(taskFile);
    long steps = args.Length > 3 ? long.Parse(args[3], CultureInfo.InvariantCulture) : 1500;
    foreach (string mask in (string[])["random", "loudest"])
    {
        var config = new PretrainingConfig { Data = data, Mask = mask, Framework = KnownFrameworks.MsmMae, Encoder = new(192, 4, 3), Input = "80x96", Steps = steps };
        using var run = PretrainingRun.Begin(Path.Combine(output, mask), config);
        run.Train();
        EncoderSnapshot encoder = run.Snapshot();
        var clips = new TaskClips(task, encoder.LogMel, TaskClips.UnitOf(encoder));
        ProbeResult probe = LinearProbe.Run(EmbeddedTask.Embed(clips, new EncoderEmbedding(encoder, mask)), ProbeMode.Tuned, [1, 2, 3]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{mask}: {probe.Runs.Average(fit => fit.Score):F1} % of {task.Name}"));
    }
    return 0;
}
catch (UserErrorException mistake)
{
    Console.Error.WriteLine(mistake.Message);
    return 2;
}

/// <summary>Hides patches by their mean level plus noise of one deviation of the log-mels, so that loud ones go first but not always.</summary>
internal sealed class LoudestMasking : IMaskingStrategy
{
    public PatchMask Sample(in PatchView clip, in MaskingContext context)
    {
        var random = context.Clip; // the clip's own: the same in every run of one seed, on any thread
        var loudness = new double[clip.Grid.Count];
        for (int id = 0; id < loudness.Length; id++)
            loudness[id] = clip[id].ToArray().Average() + random.NextNormal();
        int[] quietFirst = [.. Enumerable.Range(0, loudness.Length).OrderBy(id => loudness[id])];
        int visible = clip.Grid.VisibleCount(context.MaskRatio);
        return PatchMask.Of(quietFirst.AsSpan(0, visible), quietFirst.AsSpan(visible));
    }
}
