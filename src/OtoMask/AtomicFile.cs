namespace OtoMask;

/// <summary>Writes a file whole or not at all: under a temporary name beside it, flushed to the disk, then renamed.</summary>
public static class AtomicFile
{
    // On Linux an IOException carries the errno for which .NET has no exception of its own.
    private const int NotADirectory = 20, ReadOnlyFileSystem = 30;

    /// <summary>Writes <paramref name="text"/> as UTF-8, without a byte order mark.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteAllText(string path, string text) => Write(path, stream =>
    {
        using StreamWriter writer = new(stream, leaveOpen: true);
        writer.Write(text);
    });

    /// <summary>Writes <paramref name="bytes"/>.</summary>
    /// <inheritdoc cref="Write"/>
    public static void WriteAllBytes(string path, ReadOnlyMemory<byte> bytes) => Write(path, stream => stream.Write(bytes.Span));

    /// <summary>Has <paramref name="write"/> fill the file; an existing one stays as it is until the new one is complete.</summary>
    /// <exception cref="UserErrorException">The folder is missing or may not be written, or the path is a folder.</exception>
    /// <exception cref="IOException">The disk is full or failed; the message names the file.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new UserErrorException("the name of the file to write is empty; give one");
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
            throw new UserErrorException($"{path} is a folder; name a file in it");
        string temporary = $"{full}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new UserErrorException($"no permission to write {path}; choose another place or change the folder's permissions", error);
        }
        catch (DirectoryNotFoundException error)
        {
            throw new UserErrorException($"cannot write {path}: its folder does not exist; create {Path.GetDirectoryName(full)} first", error);
        }
        catch (IOException error) when (error.HResult is NotADirectory or ReadOnlyFileSystem)
        {
            throw new UserErrorException($"cannot write {path}: {error.Message}; choose another place", error);
        }
        catch (IOException error)
        {
            throw new IOException($"cannot write {path}: {error.Message}", error);
        }
        finally
        {
            RemoveLeftover(temporary);
        }
    }

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
