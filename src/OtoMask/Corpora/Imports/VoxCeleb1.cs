using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>Speakers in interviews (Nagrani, Chung and Zisserman, 2017), to be identified.</summary>
internal static class VoxCeleb1
{
    private static readonly string[] Folders = ["wav", "dev/wav", "test/wav", "vox1_dev_wav/wav", "vox1_test_wav/wav", ""];

    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "voxceleb1",
        Title = "VoxCeleb1: speaker identification",
        Family = "speech",
        Seconds = 8.2,
        Classes = 1251,
        Layout = "wav/SPEAKER/VIDEO/*.wav of the development and the test part, and iden_split.txt",
        Split = "official: iden_split.txt",
        SplitList = "iden_split.txt, which the publishers of VoxCeleb1 offer beside the recordings",
        Published = PublishedCount.Splits(138361, 6904, 8251),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        string list = copy.SplitList("iden_split.txt");
        string[] folders = copy.FoldersOf(Folders);
        foreach (ListLine line in copy.ReadLines(list))
        {
            if (line.Text.Split(' ', 2, StringSplitOptions.TrimEntries) is not [var part, var name] || name.Split('/') is not [var speaker, _, _])
                throw LocalCopy.Refused(list, line.Number, $"'{line.Text}' is not: 1, 2 or 3, then speaker/video/name.wav");
            yield return new ListedClip(copy.Place(LocalCopy.Inside(list, line.Number, name), folders), speaker, PartOf(list, line.Number, part));
        }
    }

    private static TaskSplit PartOf(string list, int line, string part) => part switch
    {
        "1" => TaskSplit.Train,
        "2" => TaskSplit.Valid,
        "3" => TaskSplit.Test,
        _ => throw LocalCopy.Refused(list, line, $"the part '{part}' is not 1 (train), 2 (valid) or 3 (test)"),
    };
}
