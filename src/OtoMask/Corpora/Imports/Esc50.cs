using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>Environmental sounds (Piczak, 2015). Groups are the field recordings that clips were cut from.</summary>
internal static class Esc50
{
    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "esc50",
        Title = "ESC-50: environmental sounds",
        Family = "events",
        Seconds = 5,
        Classes = 50,
        Layout = "meta/esc50.csv and audio/*.wav",
        Split = "5 official folds",
        Published = PublishedCount.Folds(400, 400, 400, 400, 400),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        string list = copy.ListOf("esc50.csv", "meta");
        foreach (CsvRow row in copy.ReadTable(list, "filename", "category", "fold", "src_file"))
        {
            string file = LocalCopy.Inside(list, row.Line, row.Fields[0]);
            yield return new ListedClip($"audio/{file}", row.Fields[1], TaskSplit.Train, row.Fields[3], LocalCopy.FoldOf(list, row.Line, row.Fields[2]));
        }
    }
}
