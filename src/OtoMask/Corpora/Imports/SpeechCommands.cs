using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>Single words (Warden, 2018), version 2 with 35 of them. Folders that begin with an underscore hold background noise.</summary>
internal static class SpeechCommands
{
    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "spcv2",
        Title = "Speech Commands V2: 35 words",
        Family = "speech",
        Seconds = 1,
        Classes = 35,
        Layout = "validation_list.txt, testing_list.txt and a folder of *.wav for each word (version 0.02)",
        Split = "official: validation_list.txt, testing_list.txt, and what neither lists to train on",
        Published = PublishedCount.Splits(84843, 9981, 11005),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        HashSet<string> listed = [];
        foreach ((string name, TaskSplit split) in new[] { ("validation_list.txt", TaskSplit.Valid), ("testing_list.txt", TaskSplit.Test) })
        {
            string list = copy.ListOf(name, "");
            foreach (ListLine line in copy.ReadLines(list))
            {
                string file = LocalCopy.Inside(list, line.Number, line.Text);
                if (file.Split('/') is not [var word, _])
                    throw LocalCopy.Refused(list, line.Number, $"'{file}' is not word/name.wav");
                listed.Add(file);
                yield return new ListedClip(file, word, split);
            }
        }
        foreach (string word in copy.FolderNames("").Where(name => name[0] is not ('_' or '.')))
        {
            foreach (string file in copy.FileNames(word, "*.wav").Select(name => $"{word}/{name}").Where(file => !listed.Contains(file)))
                yield return new ListedClip(file, word, TaskSplit.Train);
        }
    }
}
