using System.Text.RegularExpressions;
using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>
/// The free spoken digit dataset, which grows by speakers; counts are those of version 1.0.10 with six. Every speaker has 50
/// recordings of each digit, and the first five are for testing, by its documentation.
/// </summary>
internal static partial class SpokenDigits
{
    private const int Digits = 10, Takes = 50, TestTakes = 5;

    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "fsdd",
        Title = "FSDD, the free spoken digit dataset: 10 digits",
        Family = "speech",
        Seconds = 1,
        Classes = Digits,
        Layout = "recordings/DIGIT_SPEAKER_TAKE.wav",
        Split = "official, by rule: takes 0 to 4 to test on, 5 to 49 to train on",
        Published = PublishedCount.Splits(2700, 300),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        if (copy.FoldersOf("recordings").Length == 0)
            throw copy.WrongLayout("there is no folder recordings");
        string[] speakers = [.. copy.FileNames("recordings", "*.wav").Select(name => Name().Match(name)).Where(match => match.Success).Select(match => match.Groups[1].Value).Distinct()];
        return from speaker in speakers
               from digit in Enumerable.Range(0, Digits)
               from take in Enumerable.Range(0, Takes)
               select new ListedClip($"recordings/{digit}_{speaker}_{take}.wav", $"{digit}", take < TestTakes ? TaskSplit.Test : TaskSplit.Train);
    }

    [GeneratedRegex(@"^\d_([^_]+)_\d+\.wav$")]
    private static partial Regex Name();
}
