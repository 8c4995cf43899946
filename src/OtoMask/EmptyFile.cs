namespace OtoMask;

/// <summary>Tells what has no content from what may be read.</summary>
internal static class EmptyFile
{
    /// <summary>Whether a path leads to an empty file, a pipe or a device. To be asked before opening: to open a pipe that nobody writes to is to wait for ever.</summary>
    public static bool Is(string path) => (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)) is FileInfo { Exists: true, Length: 0 };
}
