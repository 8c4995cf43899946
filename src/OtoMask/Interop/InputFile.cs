using Microsoft.Win32.SafeHandles;

namespace OtoMask.Interop;

/// <summary>Opens files that users name, with an error they can act on where that fails.</summary>
internal static class InputFile
{
    private const int MaxQuotedLength = 300;

    /// <summary>Opens a file for sequential reading.</summary>
    /// <exception cref="UserErrorException">It is missing, a folder, or not readable by this user.</exception>
    public static FileStream Open(string path)
    {
        if (Directory.Exists(path))
            throw new UserErrorException($"{path}: is a folder; name a file inside it");
        try
        {
            if (EmptyFile.Is(path))
                throw new UserErrorException($"{path}: has zero bytes (an empty file, a pipe or a device); name another file");
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
            if (file.CanSeek)
                return file;
            file.Dispose();
            throw new UserErrorException($"{path}: is a pipe or a device; name a file"); // one without a name, such as /dev/fd/3
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserErrorException($"{path}: no such file; check the path", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UserErrorException($"{path}: no permission to read; mend its permissions", e);
        }
    }

    /// <summary>Fills bytes from a place in a file, wherever other readers of it are; false where the file ends before.</summary>
    public static bool TryReadAt(SafeFileHandle file, long offset, Span<byte> bytes)
    {
        for (int done = 0, read; done < bytes.Length; done += read)
        {
            read = RandomAccess.Read(file, bytes[done..], offset + done);
            if (read == 0)
                return false;
        }
        return true;
    }

    /// <summary>A message that may quote a stranger's file, cut short, and with a question mark where a line break or a terminal code was.</summary>
    public static string Quotable(string message) => OneLine.Of(message.Length <= MaxQuotedLength ? message : message[..MaxQuotedLength] + "...", '?');
}
