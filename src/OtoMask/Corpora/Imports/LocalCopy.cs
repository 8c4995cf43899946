using System.Globalization;
using System.Text;
using OtoMask.Data;

namespace OtoMask.Corpora.Imports;

/// <summary>A line of a list.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Text">Without blanks around it; never empty.</param>
internal sealed record ListLine(int Number, string Text);

/// <summary>
/// A user's copy of a data set, seen through its lists. Lists come from strangers: no name in them leads out of the folder,
/// and none makes the program hold more than a line, or a table of bounded size.
/// </summary>
internal sealed class LocalCopy
{
    private const int LongestLine = 1 << 16;
    private const long LargestTable = 1L << 28;
    private readonly ImportRecipe recipe;
    private readonly string? split;
    private readonly HashSet<string> listsRead = [];

    /// <exception cref="UserErrorException">The folder is not there, or a list was given to a recipe that takes none.</exception>
    public LocalCopy(ImportRecipe recipe, string folder, string? split)
    {
        if (!Directory.Exists(folder))
            throw new UserErrorException($"there is no folder '{folder}': name the folder that holds {recipe.Layout}");
        (this.recipe, Folder, this.split) = (recipe, Path.GetFullPath(folder), split);
        if (split is not null && recipe.SplitList is null)
            throw new UserErrorException($"`Split` {split}: {recipe.Name} needs no list, its split is {recipe.Split}; leave `Split` out");
    }

    /// <summary>Full path of the data folder.</summary>
    public string Folder { get; }

    /// <summary>Full paths of the lists that were read.</summary>
    public IReadOnlySet<string> ListsRead => listsRead;

    /// <summary>The error of a folder that is no copy of this data set.</summary>
    public UserErrorException WrongLayout(string what) => new($"{Folder} is no copy of {recipe.Name}: {what}; expected {recipe.Layout}");

    /// <summary>Full path of a recording or list.</summary>
    public string PathOf(string file) => Path.Combine(Folder, file);

    /// <summary>Whether the folder has this file.</summary>
    public bool Has(string file) => File.Exists(PathOf(file));

    /// <summary>Full path of a list that comes with the data set, in the first of the folders that has it.</summary>
    /// <exception cref="UserErrorException">None has it.</exception>
    public string ListOf(string name, params string[] folders)
    {
        string? found = folders.Select(folder => Path.Join(Folder, folder, name)).FirstOrDefault(File.Exists);
        return found ?? throw WrongLayout($"there is no {Path.Join(folders[0], name)}");
    }

    /// <summary>Full path of the list that the user gave, or of one called <paramref name="name"/> in the data folder.</summary>
    /// <exception cref="UserErrorException">There is neither.</exception>
    public string SplitList(string name)
    {
        string path = split is null ? PathOf(name) : Directory.Exists(split) ? Path.Combine(split, name) : split;
        if (File.Exists(path))
            return Path.GetFullPath(path);
        throw new UserErrorException(split is null
            ? $"{recipe.Name} needs a list that is no part of its download: give `Split` {recipe.SplitList}"
            : $"`Split` {split}: there is no file {path}; give {recipe.SplitList}");
    }

    /// <summary>Those of the folders that are there, "" being the data folder itself.</summary>
    public string[] FoldersOf(params string[] folders) => [.. folders.Where(folder => Directory.Exists(PathOf(folder)))];

    /// <summary>Names of the folders below one, in ordinal order.</summary>
    public IEnumerable<string> FolderNames(string folder) => Directory.EnumerateDirectories(PathOf(folder)).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);

    /// <summary>Names of the files of a folder, in ordinal order.</summary>
    public IEnumerable<string> FileNames(string folder, string pattern) => Directory.EnumerateFiles(PathOf(folder), pattern).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    /// <summary>The first place of a recording where it is, or else the first where it might be.</summary>
    public string Place(string name, IReadOnlyList<string> folders) =>
        folders.Select(folder => Below(folder, name)).FirstOrDefault(Has) ?? Below(folders.Count > 0 ? folders[0] : "", name);

    /// <summary>The lines of a list that are not blank, as they are asked for.</summary>
    /// <param name="path">Full path of the list.</param>
    /// <exception cref="UserErrorException">It cannot be read, or has a line that no list has.</exception>
    public IEnumerable<ListLine> ReadLines(string path)
    {
        listsRead.Add(path);
        using var reader = new StringReader(InputFile.ReadText(path, LargestTable));
        for (int number = 1; NextLine(reader, path, number) is { } line; number++)
        {
            if (line.Trim() is { Length: > 0 } text)
                yield return new ListLine(number, text);
        }
    }

    /// <summary>The rows of a CSV with these columns.</summary>
    /// <param name="path">Full path of the list.</param>
    /// <param name="columns">Columns it must have.</param>
    /// <exception cref="UserErrorException">It cannot be read, lacks a column, or is too large to be a list of this data set.</exception>
    public IReadOnlyList<CsvRow> ReadTable(string path, params string[] columns)
    {
        listsRead.Add(path);
        if (new FileInfo(path).Length > LargestTable)
            throw new UserErrorException($"{path} is larger than {LargestTable >> 20} MiB, no list of {recipe.Name} is: give {recipe.SplitList ?? recipe.Layout}");
        return CsvTable.Read(path, columns);
    }

    /// <summary>Whether a name leads to a place below the folder it belongs in: not absolute, without <c>..</c> and control characters.</summary>
    public static bool IsInside(string name) =>
        !Path.IsPathRooted(name) && !name.Any(char.IsControl) && name.Split('/', '\\').All(part => part is not ("" or "." or ".."));

    /// <summary>A name out of a list, made sure to be <see cref="IsInside"/>.</summary>
    /// <exception cref="UserErrorException">It is not.</exception>
    public static string Inside(string list, int line, string name) =>
        IsInside(name) ? name : throw Refused(list, line, $"the name '{name}' leads out of the data folder or is none");

    /// <summary>A split out of a list: train, valid (or val), test.</summary>
    /// <exception cref="UserErrorException">It is none of them.</exception>
    public static TaskSplit SplitOf(string list, int line, string text) => text switch
    {
        "train" => TaskSplit.Train,
        "valid" or "val" => TaskSplit.Valid,
        "test" => TaskSplit.Test,
        _ => throw Refused(list, line, $"the split '{text}' is not one of train, valid, test"),
    };

    /// <summary>A fold out of a list.</summary>
    /// <exception cref="UserErrorException">It is no whole number.</exception>
    public static int FoldOf(string list, int line, string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int fold)
        ? fold
        : throw Refused(list, line, $"the fold '{text}' is not a whole number");

    /// <summary>The error of a line that says what no list of this kind says.</summary>
    public static UserErrorException Refused(string list, int line, string what) =>
        new($"{list}, line {line}: {InputFile.Quotable(what)}; take the list from its publisher");

    private static string Below(string folder, string name) => folder.Length == 0 ? name : $"{folder}/{name}";

    private static string? NextLine(StringReader reader, string path, int number)
    {
        StringBuilder line = new();
        for (int next = reader.Read(); next >= 0; next = reader.Read())
        {
            if (next == '\n')
                return line.ToString();
            if (line.Length == LongestLine)
                throw Refused(path, number, $"longer than {LongestLine} characters");
            line.Append((char)next);
        }
        return line.Length > 0 ? line.ToString() : null;
    }
}
