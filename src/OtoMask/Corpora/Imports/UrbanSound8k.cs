using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>Sounds of the city (Salamon, Jacoby and Bello, 2014). Groups are the field recordings that clips were cut from.</summary>
internal static class UrbanSound8k
{
    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "us8k",
        Title = "UrbanSound8K: sounds of the city",
        Family = "events",
        Seconds = 4,
        Classes = 10,
        Layout = "metadata/UrbanSound8K.csv and audio/fold1 to audio/fold10 with *.wav",
        Split = "10 official folds",
        Published = PublishedCount.Folds(873, 888, 925, 990, 936, 823, 838, 806, 816, 837),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        string list = copy.ListOf("UrbanSound8K.csv", "metadata");
        foreach (CsvRow row in copy.ReadTable(list, "slice_file_name", "class", "fold", "fsID"))
        {
            int fold = LocalCopy.FoldOf(list, row.Line, row.Fields[2]);
            string file = LocalCopy.Inside(list, row.Line, row.Fields[0]);
            yield return new ListedClip($"audio/fold{fold}/{file}", row.Fields[1], TaskSplit.Train, row.Fields[3], fold);
        }
    }
}
