namespace OtoMask.Audio;

/// <summary>What a stream holds, as a file, because decoders read files, from any place in them. It is private to this user, and its name is taken away before
/// anything is written, so that nothing of it is left however the process ends.</summary>
internal sealed class StreamFile : IDisposable
{
    /// <summary>The most bytes that are taken of a stream: it may never end, and the place for temporary files is shared.</summary>
    public const long MostBytes = 1L << 32;

    /// <summary>What errors call it.</summary>
    private const string Name = "the stream";

    private readonly FileStream file;

    private StreamFile(FileStream file) => this.file = file;

    /// <summary>Where this process, and programs that it starts, find the file.</summary>
    private string Path => $"/proc/{Environment.ProcessId}/fd/{file.SafeFileHandle.DangerousGetHandle()}";

    /// <summary>Takes a stream from where it stands to its end, and has its sound read; then all of it is gone.</summary>
    /// <param name="stream">It need not seek, and stays open.</param>
    /// <param name="read">Reads the file that it is told.</param>
    /// <param name="mostBytes">As <see cref="MostBytes"/>.</param>
    /// <param name="cancellation">Ends the taking.</param>
    /// <exception cref="ArgumentException">The stream cannot be read.</exception>
    /// <exception cref="UnreadableAudioException">It holds too much, or no sound.</exception>
    /// <exception cref="IOException">The stream fails, or the disk is full.</exception>
    /// <exception cref="UserErrorException">No temporary file can be made.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static T Read<T>(Stream stream, Func<string, T> read, CancellationToken cancellation, long mostBytes = MostBytes)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanRead)
            throw new ArgumentException("the stream cannot be read", nameof(stream));
        using var file = new StreamFile(Create());
        file.Take(stream, mostBytes, cancellation);
        try
        {
            return read(file.Path);
        }
        catch (UnreadableAudioException problem) when (problem.Path == file.Path)
        {
            throw new UnreadableAudioException(Name, problem.Reason, problem);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static FileStream Create()
    {
        string path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), System.IO.Path.GetRandomFileName());
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete };
            if (OperatingSystem.IsLinux())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            var file = new FileStream(path, options);
            File.Delete(path);
            return file;
        }
        catch (Exception problem) when (problem is UnauthorizedAccessException or DirectoryNotFoundException)
        {
            throw new UserErrorException($"no temporary file can be made in {System.IO.Path.GetTempPath()} ({problem.Message}); name another folder by TMPDIR", problem);
        }
    }

    private void Take(Stream stream, long most, CancellationToken cancellation)
    {
        var block = new byte[1 << 16];
        for (int read; (read = stream.Read(block)) > 0;)
        {
            cancellation.ThrowIfCancellationRequested();
            if (file.Length + read > most)
                throw new UnreadableAudioException(Name, $"it holds more than {most} bytes; write it to a file and name that");
            file.Write(block, 0, read);
        }
        file.Flush();
    }
}
