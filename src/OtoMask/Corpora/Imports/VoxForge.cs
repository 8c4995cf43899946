using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>Sentences in six languages, read by volunteers. The split is EVAR's: drawn at random by archive, so only its list can give it.</summary>
internal static class VoxForge
{
    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "voxforge",
        Title = "VoxForge: 6 languages",
        Family = "speech",
        Seconds = 5.8,
        Classes = 6,
        Layout = "the unpacked archives side by side, ARCHIVE/wav/*.wav, as EVAR downloads them",
        Split = "EVAR's list",
        SplitList = "voxforge.csv (file_name,label,split) out of the metadata of EVAR, the evaluation package for audio representations",
        Published = PublishedCount.Splits(121281, 26684, 28463),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        string list = copy.SplitList("voxforge.csv");
        foreach (CsvRow row in copy.ReadTable(list, "file_name", "label", "split"))
            yield return new ListedClip(LocalCopy.Inside(list, row.Line, row.Fields[0]), row.Fields[1], LocalCopy.SplitOf(list, row.Line, row.Fields[2]));
    }
}
