using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>
/// The pitch audio dataset: presets of the synthesizer Surge, each playing the same 88 notes (Turian and others, 2021). The split
/// is EVAR's: presets drawn at random, so only its list can give it.
/// </summary>
internal static class SurgePitch
{
    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "surge",
        Title = "Surge: 88 pitches of a synthesizer",
        Family = "music",
        Seconds = 4,
        Classes = 88,
        Layout = "PRESET/PITCH.ogg",
        Split = "EVAR's list, by preset",
        SplitList = "dataset_surge_tone_splits.csv (tone,split) out of the predefined lists of EVAR, the evaluation package for audio representations",
        Published = PublishedCount.Splits(148896, 17160, 17336),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        string list = copy.SplitList("dataset_surge_tone_splits.csv");
        (string Name, TaskSplit Split)[] tones =
        [
            .. copy.ReadTable(list, "tone", "split").Select(row => (LocalCopy.Inside(list, row.Line, row.Fields[0]), LocalCopy.SplitOf(list, row.Line, row.Fields[1]))),
        ];
        // The publication says how many pitches there are, the files which.
        string[] pitches = [.. copy.FoldersOf([.. tones.Select(tone => tone.Name)]).SelectMany(tone => copy.FileNames(tone, "*.ogg")).Distinct().Order(StringComparer.Ordinal)];
        return from tone in tones
               from pitch in pitches
               select new ListedClip($"{tone.Name}/{pitch}", Path.GetFileNameWithoutExtension(pitch), tone.Split);
    }
}
