using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>Single notes of instruments (Engel and others, 2017); the family of the instrument is told.</summary>
internal static class NSynth
{
    private static readonly TaskSplit[] Splits = [TaskSplit.Train, TaskSplit.Valid, TaskSplit.Test];

    public static ImportRecipe Recipe { get; } = new(List)
    {
        Name = "nsynth",
        Title = "NSynth: 11 instrument families",
        Family = "music",
        Seconds = 4,
        Classes = 11,
        Layout = "nsynth-train, nsynth-valid and nsynth-test, each with examples.json and audio/*.wav",
        Split = "official",
        Published = PublishedCount.Splits(289205, 12678, 4096),
    };

    private static IEnumerable<ListedClip> List(LocalCopy copy)
    {
        (TaskSplit Split, string Folder, string List)[] parts =
        [
            .. from split in Splits
               let folder = $"nsynth-{split.ToString().ToLowerInvariant()}"
               select (split, folder, copy.ListOf("examples.json", folder)),
        ];
        return from part in parts
               from note in NSynthExamples.Read(part.List)
               select new ListedClip($"{part.Folder}/audio/{note.Name}.wav", note.Family, part.Split);
    }
}
