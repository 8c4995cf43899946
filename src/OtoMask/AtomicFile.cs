using System.Text.RegularExpressions;

namespace OtoMask;

/// <summary>Writes a file whole or not at all: under a temporary name beside it, flushed to the disk, then renamed.</summary>
/// <remarks>Where the path is a symbolic link, the link is replaced and what it points to stays untouched.</remarks>
public static partial class AtomicFile
{
    // On Linux an IOException carries the errno for which .NET has no exception of its own.
    private const int NotADirectory = 20, ReadOnlyFileSystem = 30;
    private const string TemporarySuffix = ".tmp";

    /// <summary>Whether a file is what a process left of <paramref name="path"/> that was killed while it wrote.</summary>
    public static bool IsLeftoverOf(string path, string file) =>
        Path.GetFileName(file).StartsWith(Path.GetFileName(path) + ".", StringComparison.Ordinal) && file.EndsWith(TemporarySuffix, StringComparison.Ordinal);

    /// <summary>Removes what killed processes left of any file in a folder. Nobody else may be writing there.</summary>
    /// <exception cref="UserErrorException">The folder may not be written.</exception>
    public static void RemoveLeftovers(string folder)
    {
        try
        {
            foreach (string leftover in Directory.GetFiles(folder, "*" + TemporarySuffix).Where(file => TemporaryName().IsMatch(file)))
                File.Delete(leftover);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException { HResult: ReadOnlyFileSystem })
        {
            throw new UserErrorException($"cannot write in {folder} ({error.Message.TrimEnd('.')}); give yourself access or choose another place", error);
        }
    }

    /// <summary>Writes <paramref name="text"/> as UTF-8, without a byte order mark.</summary>
    /// <inheritdoc cref="Write{T}"/>
    public static void WriteAllText(string path, string text) => Write(path, text, static (stream, all) =>
    {
        using StreamWriter writer = new(stream, leaveOpen: true);
        writer.Write(all);
    });

    /// <summary>Writes <paramref name="bytes"/>.</summary>
    /// <inheritdoc cref="Write{T}"/>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> bytes) => Write(path, bytes, static (stream, all) => stream.Write(all));

    /// <summary>Has <paramref name="write"/> fill the file.</summary>
    /// <inheritdoc cref="Write{T}"/>
    public static void Write(string path, Action<FileStream> write) => Write(path, write, static (stream, fill) => fill(stream));

    /// <summary>Has <paramref name="write"/> fill the file; an existing one stays as it is until the new one is complete.</summary>
    /// <param name="path">Where the finished file is to lie; its folder must exist.</param>
    /// <param name="content">Handed to <paramref name="write"/>; may be a span, which a lambda cannot capture.</param>
    /// <param name="write">Fills the stream (readable, writable, seekable, at position 0).</param>
    /// <exception cref="UserErrorException">The folder is missing or may not be written, or the path is a folder.</exception>
    /// <exception cref="IOException">The disk is full or failed; the message names the file, and nothing is left behind.</exception>
    public static void Write<T>(string path, T content, Action<FileStream, T> write)
        where T : allows ref struct
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new UserErrorException("the name of the file to write is empty; give one");
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
            throw new UserErrorException($"cannot write {path}: it is a folder; name a file in it");
        string temporary = $"{full}.{Environment.ProcessId:x}-{Guid.NewGuid():N}{TemporarySuffix}";
        try
        {
            // CreateNew never follows a link that someone laid at the temporary name.
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None))
            {
                write(stream, content);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new UserErrorException($"cannot write {path}: permission denied; choose a folder you may write to", error);
        }
        catch (DirectoryNotFoundException error)
        {
            throw new UserErrorException($"cannot write {path}: its folder does not exist; create {Path.GetDirectoryName(full)} first", error);
        }
        catch (IOException error) when (error.HResult is NotADirectory or ReadOnlyFileSystem)
        {
            throw new UserErrorException($"cannot write {path}: {error.Message}; choose another place", error);
        }
        catch (IOException error) when (!error.Message.Contains(path, StringComparison.Ordinal))
        {
            throw new IOException($"cannot write {path}: {error.Message}", error);
        }
        finally
        {
            RemoveLeftover(temporary);
        }
    }

    [GeneratedRegex(@"\.[0-9a-f]+-[0-9a-f]{32}\.tmp$")]
    private static partial Regex TemporaryName();

    private static void RemoveLeftover(string temporary)
    {
        if (!File.Exists(temporary))
            return;
        try
        {
            File.Delete(temporary);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The error that brought us here says more than this one: let it pass on.
        }
    }
}
