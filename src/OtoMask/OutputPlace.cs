namespace OtoMask;

/// <summary>Looks, before any work, at the place where its result is to lie.</summary>
internal static class OutputPlace
{
    /// <summary>Makes sure that a file can be written, and that it is none of those that are read. Leaves nothing behind.</summary>
    /// <param name="path">The file that is going to be written.</param>
    /// <param name="inputs">What is read. The same file by another spelling, a link or a hard link is found, too.</param>
    /// <exception cref="UserErrorException">It cannot be written there, or writing would destroy an input.</exception>
    public static void Require(string path, params IEnumerable<string> inputs)
    {
        AtomicFile.RequirePlace(path);
        // What is not there yet is nobody's input, and a pipe or a device loses nothing.
        if (FileStatus.Of(path) is not { Kind: FileKind.Regular } place)
            return;
        if (inputs.FirstOrDefault(input => FileStatus.Of(input) == place) is { } same)
            throw new UserErrorException($"{path} is {(same == path ? "" : $"the same file as {same}, ")}what this command reads, and writing it would destroy that; name another file to write");
    }

    /// <summary>Makes sure that no two outputs are one file.</summary>
    /// <exception cref="UserErrorException">Two are.</exception>
    public static void RequireDifferent(params IEnumerable<string> outputs)
    {
        IEnumerable<string> files = outputs.Where(path => FileStatus.Of(path)?.Kind is null or FileKind.Regular);
        foreach (IGrouping<string, string> twice in files.GroupBy(AtomicFile.PlaceOf).Where(same => same.Count() > 1))
            throw new UserErrorException($"{twice.Key} is to be written {twice.Count()} times, and the last would replace the others; name different files");
    }
}
