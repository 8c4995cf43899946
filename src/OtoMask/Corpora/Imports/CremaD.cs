using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>
/// Acted emotions (Cao and others, 2014). The field's split is EVAR's: 63, 9 and 19 of the 91 speakers drawn at random, so only its
/// list can give it; it names 7438 of the 7442 recordings.
/// </summary>
internal static class CremaD
{
    private const int SpeakerDigits = 4;

    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "cremad",
        Title = "CREMA-D: 6 acted emotions",
        Family = "speech",
        Seconds = 2.5,
        Classes = 6,
        Layout = "AudioWAV/*.wav, or the same files in the folder itself",
        Split = "EVAR's list, by speaker",
        SplitList = "cremad.csv (file_name,label,speaker_id,split) out of the metadata of EVAR, the evaluation package for audio representations",
        Published = PublishedCount.Splits(5155, 732, 1551),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        string list = copy.SplitList("cremad.csv");
        string[] folders = copy.FoldersOf("AudioWAV", "");
        foreach (CsvRow row in copy.ReadTable(list, "file_name", "label", "split"))
        {
            string name = LocalCopy.Inside(list, row.Line, row.Fields[0]);
            if (Path.GetFileName(name).Split('_') is not [{ Length: SpeakerDigits } speaker, _, _, _])
                throw LocalCopy.Refused(list, row.Line, $"'{name}' is not speaker_sentence_emotion_level.wav");
            yield return new ListedClip(copy.Place(name, folders), row.Fields[1], LocalCopy.SplitOf(list, row.Line, row.Fields[2]), speaker);
        }
    }
}
