using System.Text.RegularExpressions;
using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>
/// Music genres (Tzanetakis and Cook, 2002) in the fault-filtered split (Kereliuk, Sturm and Larsen, 2015), which leaves
/// repetitions and distortions out and keeps artists apart.
/// </summary>
internal static partial class Gtzan
{
    private static readonly (string Name, TaskSplit Split)[] Lists =
        [("train_filtered.txt", TaskSplit.Train), ("valid_filtered.txt", TaskSplit.Valid), ("test_filtered.txt", TaskSplit.Test)];

    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "gtzan",
        Title = "GTZAN: 10 genres",
        Family = "music",
        Seconds = 30,
        Classes = 10,
        Layout = "a folder of *.wav or *.au for each genre, in the folder itself, in genres/ or in genres_original/",
        Split = "fault-filtered lists",
        SplitList = "the folder with train_filtered.txt, valid_filtered.txt and test_filtered.txt: the fault-filtered split of Kereliuk et al. 2015, "
            + "as published in the GTZAN_split folder of music_dataset_split",
        Published = PublishedCount.Splits(443, 197, 290),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        string[] paths = [.. Lists.Select(list => copy.SplitList(list.Name))];
        if (paths.Distinct().Count() < Lists.Length)
            throw new UserErrorException($"`Split` {paths[0]} is one list of three: give {Recipe.SplitList}");
        string[] folders = copy.FoldersOf("genres", "genres_original", "");
        foreach ((string path, TaskSplit split) in paths.Zip(Lists, (path, list) => (path, list.Split)))
        {
            foreach (ListLine line in copy.ReadLines(path))
            {
                Match track = Track().Match(line.Text);
                if (!track.Success)
                    throw LocalCopy.Refused(path, line.Number, $"'{line.Text}' is not genre/genre.00000.wav");
                string genre = track.Groups[1].Value, name = $"{genre}/{genre}.{track.Groups[2].Value}";
                string wav = copy.Place(name + ".wav", folders), au = copy.Place(name + ".au", folders);
                yield return new ListedClip(copy.Has(au) ? au : wav, genre, split);
            }
        }
    }

    [GeneratedRegex(@"^(?:[a-z]+/)?([a-z]+)\.(\d{5})(?:\.wav|\.au)?$")]
    private static partial Regex Track();
}
