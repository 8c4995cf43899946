using OtoMask.Audio;

namespace OtoMask.Data;

/// <summary>Finds the clips of a data set: in a folder, or in the <c>file_name</c> column of a CSV.</summary>
internal static class ClipScanner
{
    /// <summary>All audio files and <c>.npy</c> log-mels below a folder, at any depth, by relative path in ordinal order.</summary>
    /// <remarks>Links to folders are followed, each folder once, so loops end.</remarks>
    /// <exception cref="UserErrorException">A folder may not be read, or there are no such files.</exception>
    public static ClipList ScanFolder(string folder)
    {
        List<Clip> clips = [];
        Walk(folder, Path.GetFullPath(folder), "", [], clips);
        if (clips.Count == 0)
            throw new UserErrorException($"{folder} holds no audio and no .npy log-mels: name a folder with wav, flac, ogg, opus, mp3 or .npy files");
        clips.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return new ClipList(clips);
    }

    /// <summary>The clips a CSV names, in its order.</summary>
    /// <param name="csvPath">A CSV with a <c>file_name</c> column.</param>
    /// <param name="root">The folder that the names are relative to; by default the CSV's own.</param>
    /// <exception cref="UserErrorException">The CSV cannot be read, lacks the column, has an empty name, or names no clips.</exception>
    public static ClipList ReadCsv(string csvPath, string? root)
    {
        if (root is not null && !Directory.Exists(root))
            throw new UserErrorException($"there is no folder {root}: check the root that the names in {csvPath} are relative to");
        string folder = root ?? Path.GetDirectoryName(Path.GetFullPath(csvPath))!;
        IReadOnlyList<CsvRow> rows = CsvTable.Read(csvPath, ["file_name"]);
        return rows.Count > 0
            ? new ClipList(rows.Select(row => row.Fields[0].Length > 0
                ? Describe(row.Fields[0], Path.Combine(folder, row.Fields[0]))
                : throw new UserErrorException($"{csvPath}, line {row.Line}: file_name is empty; name a file")))
            : throw new UserErrorException($"{csvPath} names no clips: add a line with a file_name for each");
    }

    /// <summary>Whether a file is one that <see cref="ScanFolder"/> lists.</summary>
    public static bool IsClip(string path) => IsLogMel(path) || AudioFile.HasAudioExtension(path);

    /// <summary>Whether a file is a log-mel array by its name.</summary>
    public static bool IsLogMel(string path) => path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase);

    /// <summary>A clip and the size of its file; a missing file has size 0 and turns out bad when it is read.</summary>
    public static Clip Describe(string name, string path)
    {
        var file = new FileInfo(path);
        return new Clip(name, path, file.Exists ? file.Length : 0);
    }

    private static void Walk(string folder, string realFolder, string prefix, HashSet<string> seen, List<Clip> clips)
    {
        if (!seen.Add(realFolder))
            return;
        foreach (FileSystemInfo entry in List(folder))
        {
            string name = prefix + entry.Name;
            if (InputFile.HasForeignName(entry.FullName) && (entry is DirectoryInfo || IsClip(entry.Name)))
                clips.Add(new Clip(name, entry.FullName, 0)); // turns out bad when it is read
            else if (entry is DirectoryInfo)
                Walk(entry.FullName, RealPath(entry, realFolder), name + "/", seen, clips);
            else if (IsClip(entry.Name))
                clips.Add(Describe(name, entry.FullName));
        }
    }

    private static FileSystemInfo[] List(string folder)
    {
        try
        {
            FileSystemInfo[] entries = new DirectoryInfo(folder).GetFileSystemInfos();
            Array.Sort(entries, (a, b) => string.CompareOrdinal(a.Name, b.Name));
            return entries;
        }
        catch (UnauthorizedAccessException error)
        {
            throw new UserErrorException($"no permission to read the folder {folder}: change its permissions (chmod +rx)", error);
        }
        catch (IOException error)
        {
            throw new UserErrorException($"cannot read the folder {folder}: {error.Message}", error);
        }
    }

    private static string RealPath(FileSystemInfo folder, string realParent) =>
        folder.LinkTarget is null
            ? Path.Combine(realParent, folder.Name)
            : folder.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
}
