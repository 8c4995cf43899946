namespace OtoMask.Corpora;

/// <summary>
/// A hidden folder in which something is made before it is moved to its place whole. It carries a mark of ours, and only what does, or is
/// empty, is ever deleted: a name, also a hidden one, may be anybody's.
/// </summary>
internal sealed class UnfinishedFolder : IDisposable
{
    private const string Mark = ".otomask-unfinished", Prefix = ".unfinished-";

    /// <summary>Makes one, after deleting those that killed processes left. Nobody else may be at work in <paramref name="place"/>.</summary>
    /// <param name="place">The folder that the finished thing goes to.</param>
    /// <param name="name">What the thing is called, for messages.</param>
    public UnfinishedFolder(string place, string name)
    {
        Sweep(place);
        Path = System.IO.Path.Combine(place, Prefix + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Path);
        Content = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(MarkOf(Path), []);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What will be moved to its place, not made yet.</summary>
    public string Content { get; }

    /// <summary>Whether killed processes, or one at work, have left any in a folder.</summary>
    public static bool AnyIn(string place) => Ours(place).Any();

    /// <summary>Deletes those that killed processes left. Nobody else may be at work in <paramref name="place"/>.</summary>
    public static void Sweep(string place)
    {
        foreach (string left in Ours(place).ToList())
            Delete(left);
    }

    /// <summary>Moves <see cref="Content"/> to its place.</summary>
    public void MoveTo(string finished) => Directory.Move(Content, finished);

    /// <inheritdoc/>
    public void Dispose() => Delete(Path);

    private static IEnumerable<string> Ours(string place) => !Directory.Exists(place) ? []
        : Directory.EnumerateDirectories(place, Prefix + "*").Where(folder => File.Exists(MarkOf(folder)) || !Directory.EnumerateFileSystemEntries(folder).Any());

    private static string MarkOf(string folder) => System.IO.Path.Combine(folder, Mark);

    /// <summary>Deletes a folder, its mark last: what a kill leaves of it still carries the mark, or is empty.</summary>
    private static void Delete(string folder)
    {
        foreach (string content in Directory.GetDirectories(folder))
        {
            if (new DirectoryInfo(content).LinkTarget is null)
                Directory.Delete(content, recursive: true);
            else
                File.Delete(content);
        }
        foreach (string file in Directory.GetFiles(folder).Where(file => file != MarkOf(folder)).Append(MarkOf(folder)))
            File.Delete(file);
        Directory.Delete(folder);
    }
}
