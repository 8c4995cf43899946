using System.Globalization;

namespace OtoMask.Data;

/// <summary>Which part of an evaluation a clip serves.</summary>
public enum TaskSplit
{
    /// <summary>The probe is fitted on it.</summary>
    Train,

    /// <summary>Hyper-parameters and the stopping point are chosen on it.</summary>
    Valid,

    /// <summary>The score is measured on it.</summary>
    Test,
}

/// <summary>One clip of an evaluation.</summary>
/// <param name="Name">The CSV's <c>file_name</c>.</param>
/// <param name="Path">Where the recording lies.</param>
/// <param name="Labels">Ascending positions in <see cref="LabelledTask.Classes"/>; exactly one unless the task is multi-label.</param>
/// <param name="Split">The part it serves.</param>
/// <param name="Group">What must not be split between train and validation (a speaker, a kit); null when the CSV does not say.</param>
/// <param name="Fold">Fold of cross-validation in which this clip is the test set; null when the CSV does not say.</param>
/// <param name="Line">Its line in the CSV, from 1.</param>
public sealed record LabelledClip(string Name, string Path, IReadOnlyList<int> Labels, TaskSplit Split, string? Group, int? Fold, int Line);

/// <summary>
/// A task to judge an encoder by: a CSV <c>file_name,label,split[,group][,fold]</c> (docs/evaluation.md sections 1 and 3). Paths are
/// relative to the CSV; <c>split</c> is train, valid or test; several labels of one clip are separated by semicolons.
/// </summary>
public sealed class LabelledTask
{
    private static readonly string[] Required = ["file_name", "label", "split"];
    private static readonly string[] Optional = ["group", "fold"];

    private LabelledTask(string name, string path, string[] classes, LabelledClip[] clips)
    {
        (Name, CsvPath, Classes, Clips) = (name, path, classes, clips);
        IsMultiLabel = clips.Any(clip => clip.Labels.Count > 1);
        Folds = [.. clips.Where(clip => clip.Fold is not null).Select(clip => clip.Fold!.Value).Distinct().Order()];
        HasValidation = clips.Any(clip => clip.Split == TaskSplit.Valid);
    }

    /// <summary>The CSV's name without extension.</summary>
    public string Name { get; }

    /// <summary>Where the CSV lies.</summary>
    public string CsvPath { get; }

    /// <summary>The labels, in ordinal order; a label's position is its class.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>The clips, in the order of the CSV.</summary>
    public IReadOnlyList<LabelledClip> Clips { get; }

    /// <summary>Whether some clip has several labels: scored by mean average precision instead of accuracy.</summary>
    public bool IsMultiLabel { get; }

    /// <summary>Whether some clip is marked <c>valid</c>; otherwise the evaluation splits a part of train off.</summary>
    public bool HasValidation { get; }

    /// <summary>Ascending fold numbers when every clip has one, else empty: then <c>split</c> decides.</summary>
    public IReadOnlyList<int> Folds { get; }

    /// <summary>The classes of some clips, given by their positions.</summary>
    public HashSet<int> ClassesOf(IEnumerable<int> clips) => [.. clips.SelectMany(clip => Clips[clip].Labels)];

    /// <summary>Reads and checks a task.</summary>
    /// <param name="path">The CSV.</param>
    /// <param name="root">The folder that <c>file_name</c> is relative to; by default the CSV's own.</param>
    /// <exception cref="UserErrorException">The file cannot be read, lacks a column, has a wrong value or a clip twice, also under two names (named with
    /// its line), has no clips to train or to test on, or fewer than two classes.</exception>
    public static LabelledTask Read(string path, string? root = null)
    {
        IReadOnlyList<CsvRow> rows = CsvTable.Read(path, Required, Optional);
        if (rows.Count == 0)
            throw new UserErrorException($"{path} names no clips: add a line file_name,label,split for each");

        string folder = root ?? Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[][] labels = [.. rows.Select(row => SplitLabels(path, row))];
        string[] classes = [.. labels.SelectMany(some => some).Distinct().Order(StringComparer.Ordinal)];
        if (classes.Length < 2)
            throw new UserErrorException($"{path} has the single label '{classes[0]}': a task needs at least two classes");

        CheckBars(path, rows, classes);
        LabelledClip[] clips = [.. rows.Zip(labels, (row, own) => ParseClip(path, folder, row, own, classes))];
        var task = new LabelledTask(Path.GetFileNameWithoutExtension(path), path, classes, clips);
        task.CheckNames();
        task.CheckSplits();
        return task;
    }

    private static string[] SplitLabels(string path, CsvRow row)
    {
        string[] labels = row.Fields[1].Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return labels.Length > 0
            ? [.. labels.Distinct()]
            : throw new UserErrorException($"{path}, line {row.Line}: the label is empty; name one, or several separated by semicolons");
    }

    private static LabelledClip ParseClip(string path, string folder, CsvRow row, string[] labels, string[] classes)
    {
        string name = row.Fields[0];
        if (name.Length == 0)
            throw new UserErrorException($"{path}, line {row.Line}: file_name is empty; name a recording");
        int[] classIds = [.. labels.Select(label => Array.BinarySearch(classes, label, StringComparer.Ordinal)).Order()];
        string? group = row.Fields[3].Length > 0 ? row.Fields[3] : null;
        return new LabelledClip(name, Path.Combine(folder, name), classIds, ParseSplit(path, row), group, ParseFold(path, row), row.Line);
    }

    private static TaskSplit ParseSplit(string path, CsvRow row) => row.Fields[2] switch
    {
        "train" => TaskSplit.Train,
        "valid" => TaskSplit.Valid,
        "test" => TaskSplit.Test,
        string other => throw new UserErrorException($"{path}, line {row.Line}: the split '{other}' is not one of train, valid, test"),
    };

    private static int? ParseFold(string path, CsvRow row)
    {
        string text = row.Fields[4];
        if (text.Length == 0)
            return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int fold)
            ? fold
            : throw new UserErrorException($"{path}, line {row.Line}: the fold '{text}' is not a whole number from 0");
    }

    // Named twice, a clip could be trained and tested on, or lose one of its labels. It is the file that counts: ./a.wav and links to a.wav are a.wav.
    private void CheckNames()
    {
        Dictionary<object, LabelledClip> seen = [];
        foreach (LabelledClip clip in Clips)
        {
            object identity = FileStatus.Of(clip.Path) is { } file ? file : System.IO.Path.GetFullPath(clip.Path);
            if (seen.TryGetValue(identity, out LabelledClip? earlier))
                throw new UserErrorException(
                    $"{CsvPath}, line {clip.Line}: {InputFile.Quotable(clip.Name)} is on line {earlier.Line} already{(clip.Name == earlier.Name ? "" : $", as {InputFile.Quotable(earlier.Name)}")}; give a clip one line, several labels separated by semicolons");
            seen.Add(identity, clip);
        }
    }

    // Elsewhere bars separate labels. A bar in a label is taken at its word, unless what it separates are labels, too.
    private static void CheckBars(string path, IReadOnlyList<CsvRow> rows, string[] classes)
    {
        (string Label, string[] Parts)[] barred = [.. classes.Where(label => label.Contains('|')).Select(label => (label, label.Split('|', StringSplitOptions.TrimEntries)))];
        HashSet<string> others = [.. classes];
        HashSet<string> shared = [.. barred.SelectMany(label => label.Parts.Distinct()).GroupBy(part => part).Where(part => part.Count() > 1 || others.Contains(part.Key)).Select(part => part.Key)];
        if (barred.FirstOrDefault(label => label.Parts.Any(shared.Contains)) is not { Label: { } suspect, Parts: var parts })
            return;
        int line = rows.First(row => row.Fields[1].Contains(suspect, StringComparison.Ordinal)).Line;
        throw new UserErrorException(
            $"{path}, line {line}: the label '{InputFile.Quotable(suspect)}' is made of labels of other lines; separate several labels by semicolons ({InputFile.Quotable(string.Join(';', parts))})");
    }

    private void CheckSplits()
    {
        LabelledClip? withoutFold = Clips.FirstOrDefault(clip => clip.Fold is null);
        if (Folds.Count > 0 && withoutFold is not null)
            throw new UserErrorException($"{CsvPath}, line {withoutFold.Line}: no fold, while other lines have one; give every line a fold or none");
        if (Folds.Count == 1)
            throw new UserErrorException($"{CsvPath}: every line is in fold {Folds[0]}; name at least two folds or drop the column");
        if (Folds.Count > 0)
            return;
        foreach (TaskSplit split in new[] { TaskSplit.Train, TaskSplit.Test })
        {
            if (Clips.All(clip => clip.Split != split))
                throw new UserErrorException($"{CsvPath} has no clip whose split is {split.ToString().ToLowerInvariant()}: mark some");
        }
    }
}
