using System.Text.RegularExpressions;

namespace OtoMask;

/// <summary>Writes a file whole or not at all: under a temporary name beside it, flushed to the disk, then renamed.</summary>
/// <remarks>Where the path is a link, the file that it leads to is replaced, and the link stays. What is no file takes the finished bytes
/// instead of being replaced by one: a pipe, a device such as <c>/dev/null</c>, and the program's own output (<c>/dev/stdout</c>).</remarks>
internal static partial class AtomicFile
{
    // On Linux an IOException carries the errno for which .NET has no exception of its own.
    private const int NotADirectory = 20, ReadOnlyFileSystem = 30, NameTooLong = 36;
    private const int MostLinks = 40; // as many as Linux follows
    private const int StandardOutput = 1, StandardError = 2;
    private const string TemporarySuffix = ".tmp";
    private static readonly int?[] OwnOutputs = [StandardOutput, StandardError];

    /// <summary>Whether a file is what a process left of any file that was killed while it wrote.</summary>
    public static bool IsLeftover(string file) => TemporaryName().IsMatch(file);

    /// <summary>Whether a file is what a process left of <paramref name="path"/> that was killed while it wrote.</summary>
    public static bool IsLeftoverOf(string path, string file) =>
        Path.GetFileName(file).StartsWith(Path.GetFileName(path) + ".", StringComparison.Ordinal) && file.EndsWith(TemporarySuffix, StringComparison.Ordinal);

    /// <summary>Removes what killed processes left of any file in a folder. Nobody else may be writing there.</summary>
    /// <exception cref="UserErrorException">The folder may not be written.</exception>
    public static void RemoveLeftovers(string folder)
    {
        try
        {
            foreach (string leftover in Directory.GetFiles(folder, "*" + TemporarySuffix).Where(IsLeftover))
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
    /// <param name="path">Where the finished file is to lie, or the pipe or device that takes it; its folder must exist.</param>
    /// <param name="content">Handed to <paramref name="write"/>; may be a span, which a lambda cannot capture.</param>
    /// <param name="write">Fills the stream (readable, writable, seekable, at position 0).</param>
    /// <exception cref="UserErrorException">The folder is missing or may not be written, or the path is a folder, a socket or a disk.</exception>
    /// <exception cref="IOException">The disk is full or failed; the message names the file, and nothing is left behind.</exception>
    public static void Write<T>(string path, T content, Action<FileStream, T> write)
        where T : allows ref struct
    {
        FileKind kind = KindOf(path);
        string place = kind == FileKind.Regular ? PlaceOf(path) : Path.GetFullPath(path);
        string temporary = TemporaryBeside(kind == FileKind.Regular ? place : Path.Combine(Path.GetTempPath(), Path.GetFileName(path)));
        try
        {
            using (FileStream stream = Create(temporary, isPrivate: kind != FileKind.Regular))
            {
                write(stream, content);
                if (kind == FileKind.Regular)
                    stream.Flush(flushToDisk: true);
                else
                    Pour(stream, place);
            }
            if (kind == FileKind.Regular)
                File.Move(temporary, place, overwrite: true);
        }
        catch (Exception error) when (InWords(path, place, error) is { } told)
        {
            throw told;
        }
        finally
        {
            RemoveLeftover(temporary);
        }
    }

    /// <summary>Makes sure, before the work that it is for, that a file can be written. Leaves nothing behind, and takes away what killed processes left of it.</summary>
    /// <exception cref="UserErrorException">As <see cref="Write{T}"/>.</exception>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    internal static void RequirePlace(string path)
    {
        FileKind kind = KindOf(path);
        if (kind != FileKind.Regular)
        {
            // To open it would be to wait for a reader, or to set a device going.
            if (!IsOwnOutput(path) && !FileStatus.MayWrite(path))
                throw new UserErrorException($"cannot write {path}: permission denied; choose another place");
            return;
        }
        string place = PlaceOf(path);
        try
        {
            TryBeside(place);
            RemoveLeftoversOf(place);
        }
        catch (Exception error) when (InWords(path, place, error) is { } told)
        {
            throw told;
        }
    }

    /// <summary>Removes what killed processes left of a file. What a process is still writing is locked, and stays.</summary>
    internal static void RemoveLeftoversOf(string place)
    {
        string? folder = Path.GetDirectoryName(place);
        if (!Directory.Exists(folder))
            return;
        foreach (string leftover in Directory.GetFiles(folder).Where(file => IsLeftoverOf(place, file) && IsLeftover(file) && FileStatus.Of(file)?.Kind == FileKind.Regular))
        {
            try
            {
                new FileStream(leftover, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
                File.Delete(leftover);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It is somebody's who is at work, or it is not ours to delete: it costs room and nothing else.
            }
        }
    }

    /// <summary>Makes a file beside a place and takes it away again.</summary>
    /// <exception cref="UnauthorizedAccessException">No file may be made there.</exception>
    /// <exception cref="IOException">None can be.</exception>
    internal static void TryBeside(string place)
    {
        string temporary = TemporaryBeside(place);
        Create(temporary, isPrivate: true).Dispose();
        File.Delete(temporary);
    }

    /// <summary>Full path of the file that a path leads to, every link followed; it may not be there yet.</summary>
    /// <exception cref="UserErrorException">Links lead in a circle.</exception>
    internal static string PlaceOf(string path)
    {
        int links = 0;
        string real = "/";
        Stack<string> names = new(Path.GetFullPath(path).Split('/').Reverse());
        while (names.TryPop(out string? name))
        {
            if (name is "" or ".")
                continue;
            string next = name == ".." ? Path.GetDirectoryName(real) ?? real : Path.Combine(real, name);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }
            if (++links > MostLinks)
                throw new UserErrorException($"cannot write {path}: its links lead in a circle; name another file");
            if (Path.IsPathRooted(target))
                real = "/";
            foreach (string part in target.Split('/').Reverse())
                names.Push(part);
        }
        return real;
    }

    /// <summary>Whether a path is this process's own output or error output, whatever that is: a terminal, a pipe, or a file that a shell has opened.</summary>
    public static bool IsOwnOutput(string path) => OwnOutput(path) is not null;

    private static int? OwnOutput(string path) =>
        FileStatus.Of(path) is { } place ? OwnOutputs.FirstOrDefault(number => FileStatus.Of($"/proc/self/fd/{number}") == place) : null;

    /// <summary>What is to be written to: <see cref="FileKind.Regular"/> also where nothing is yet.</summary>
    private static FileKind KindOf(string path)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new UserErrorException("the name of the file to write is empty; give one");
        FileKind kind = FileStatus.Of(path)?.Kind ?? FileKind.Regular;
        return kind switch
        {
            FileKind.Folder => throw new UserErrorException($"cannot write {path}: it is a folder; name a file in it"),
            FileKind.Other when !IsOwnOutput(path) => throw new UserErrorException($"cannot write {path}: it is a socket or a disk; name a file, a pipe or a device that takes a stream"),
            FileKind.Regular when IsOwnOutput(path) => FileKind.StreamDevice, // a shell holds it open and would go on in what was replaced
            _ => kind,
        };
    }

    // CreateNew never follows a link that someone laid at the temporary name.
    private static FileStream Create(string temporary, bool isPrivate)
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (isPrivate && OperatingSystem.IsLinux())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(temporary, options);
    }

    private static string TemporaryBeside(string place) => $"{place}.{Environment.ProcessId:x}-{Guid.NewGuid():N}{TemporarySuffix}";

    /// <summary>Copies a finished file into a pipe or a device.</summary>
    private static void Pour(FileStream whole, string place)
    {
        whole.Position = 0;
        using Stream stream = OwnOutput(place) switch
        {
            StandardOutput => Console.OpenStandardOutput(),
            StandardError => Console.OpenStandardError(),
            _ => new FileStream(place, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0),
        };
        whole.CopyTo(stream);
    }

    /// <summary>A failure to write as people should be told of it; null for what tells itself.</summary>
    private static Exception? InWords(string path, string place, Exception error) => error switch
    {
        UnauthorizedAccessException => new UserErrorException($"cannot write {path}: permission denied; choose a folder you may write to", error),
        DirectoryNotFoundException => new UserErrorException($"cannot write {path}: its folder does not exist; create {Path.GetDirectoryName(place)} first", error),
        IOException { HResult: NotADirectory or ReadOnlyFileSystem } => new UserErrorException($"cannot write {path}: {error.Message}; choose another place", error),
        IOException { HResult: NameTooLong } or PathTooLongException => new UserErrorException($"cannot write {path}: the name is too long; choose a shorter one", error),
        IOException when !error.Message.Contains(path, StringComparison.Ordinal) => new IOException($"cannot write {path}: {error.Message}", error),
        _ => null,
    };

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
