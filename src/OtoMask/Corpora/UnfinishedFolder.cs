namespace OtoMask.Corpora;

/// <summary>
/// A hidden folder in which something is made before it is moved to its place whole. It carries a mark of ours, and only what does is ever
/// deleted: a name, also a hidden one, may be anybody's.
/// </summary>
internal sealed class UnfinishedFolder : IDisposable
{
    private const string Mark = ".otomask-unfinished", Prefix = ".unfinished-";

    /// <summary>Makes one, after deleting those that killed processes left. Nobody else may be at work in <paramref name="place"/>.</summary>
    /// <param name="place">The folder that the finished thing goes to.</param>
    /// <param name="name">What the thing is called, for messages.</param>
    public UnfinishedFolder(string place, string name)
    {
        foreach (string left in Directory.GetDirectories(place, Prefix + "*").Where(folder => File.Exists(System.IO.Path.Combine(folder, Mark))))
            Directory.Delete(left, recursive: true);
        Path = System.IO.Path.Combine(place, Prefix + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Path);
        Content = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(System.IO.Path.Combine(Path, Mark), []);
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What will be moved to its place, not made yet.</summary>
    public string Content { get; }

    /// <summary>Moves <see cref="Content"/> to its place.</summary>
    public void MoveTo(string finished) => Directory.Move(Content, finished);

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Path, recursive: true);
}
