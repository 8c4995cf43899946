using OtoMask.Audio;
using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>
/// Ten-second pieces of videos with several labels each (Gemmeke and others, 2017), as far as the user could get them: videos
/// disappear, so no copy is whole. Labels are the ontology's ids, as in the segment lists.
/// </summary>
internal static class AudioSet
{
    private const int IdLength = 11;
    private const string Layout =
        "the segment lists (balanced_train_segments.csv, eval_segments.csv and, for the whole, unbalanced_train_segments.csv; or in metadata/ or csv/) "
        + "and recordings, at any depth, whose names begin with the video's id or with Y and the id";

    public static ImportRecipe Whole { get; } = new(copy => List(copy, "balanced_train_segments.csv", "unbalanced_train_segments.csv"))
    {
        Name = "audioset",
        Title = "AudioSet: sound events of videos, several a clip",
        Family = "events",
        Seconds = 10,
        Classes = 527,
        IsMultiLabel = true,
        Layout = Layout,
        Split = "official: balanced and unbalanced segments to train on, evaluation segments to test on",
        Published = PublishedCount.Splits(22160 + 2041789, 20371),
    };

    public static ImportRecipe Balanced { get; } = new(copy => List(copy, "balanced_train_segments.csv"))
    {
        Name = "as20k",
        Title = "AudioSet's balanced part, AS20K",
        Family = "events",
        Seconds = 10,
        Classes = 527,
        IsMultiLabel = true,
        Layout = Layout,
        Split = "official: balanced segments to train on, evaluation segments to test on",
        Published = PublishedCount.Splits(22160, 20371),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy, params string[] trainLists)
    {
        string[] lists = [.. trainLists.Append("eval_segments.csv").Select(name => copy.ListOf(name, "", "metadata", "csv"))];
        Dictionary<string, string> recordings = Index(copy);
        foreach (string list in lists)
        {
            TaskSplit split = list == lists[^1] ? TaskSplit.Test : TaskSplit.Train;
            foreach ((string id, string labels) in Segments(copy, list))
                yield return new ListedClip(recordings.GetValueOrDefault(id, id), labels, split);
        }
    }

    /// <summary>The lines <c>id, start, end, "label,label"</c> of a list; the first ones are comments.</summary>
    private static IEnumerable<(string Id, string Labels)> Segments(LocalCopy copy, string list)
    {
        foreach (ListLine line in copy.ReadLines(list))
        {
            if (line.Text.StartsWith('#'))
                continue;
            string[] fields = line.Text.Split(',', 4, StringSplitOptions.TrimEntries);
            if (fields is not [{ Length: IdLength } id, _, _, ['"', .., '"'] labels])
                throw LocalCopy.Refused(list, line.Number, $"not: id, start, end, \"labels\", but {line.Text}");
            yield return (LocalCopy.Inside(list, line.Number, id), labels[1..^1].Replace(',', ';'));
        }
    }

    /// <summary>Recordings by the video's id. Downloaders name them by the id, some with a Y before it, most with the times behind.</summary>
    private static Dictionary<string, string> Index(LocalCopy copy)
    {
        Dictionary<string, string> files = [];
        foreach (Clip clip in ClipScanner.ScanFolder(copy.Folder).Where(clip => AudioFile.HasAudioExtension(clip.Name)))
        {
            string name = Path.GetFileNameWithoutExtension(clip.Name);
            if (name.Length >= IdLength)
                files.TryAdd(name[..IdLength], clip.Name);
            if (name.Length > IdLength && name[0] == 'Y')
                files.TryAdd(name[1..(IdLength + 1)], clip.Name);
        }
        return files;
    }
}
