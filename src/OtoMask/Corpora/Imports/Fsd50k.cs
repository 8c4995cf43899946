using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>Sound events with several labels a clip (Fonseca and others, 2022).</summary>
internal static class Fsd50k
{
    private const string Lists = "FSD50K.ground_truth";

    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "fsd50k",
        Title = "FSD50K: sound events, several a clip",
        Family = "events",
        Seconds = 7.6,
        Classes = 200,
        IsMultiLabel = true,
        Layout = "FSD50K.ground_truth/dev.csv and eval.csv, FSD50K.dev_audio/*.wav and FSD50K.eval_audio/*.wav",
        Split = "official",
        Published = PublishedCount.Splits(36796, 4170, 10231),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        string dev = copy.ListOf("dev.csv", Lists), eval = copy.ListOf("eval.csv", Lists);
        foreach (CsvRow row in copy.ReadTable(dev, "fname", "labels", "split"))
            yield return Clip("FSD50K.dev_audio", dev, row, LocalCopy.SplitOf(dev, row.Line, row.Fields[2]));
        foreach (CsvRow row in copy.ReadTable(eval, "fname", "labels"))
            yield return Clip("FSD50K.eval_audio", eval, row, TaskSplit.Test);
    }

    private static ListedClip Clip(string folder, string list, CsvRow row, TaskSplit split) =>
        new($"{folder}/{LocalCopy.Inside(list, row.Line, row.Fields[0])}.wav", row.Fields[1].Replace(',', ';'), split);
}
