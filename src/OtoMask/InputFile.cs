using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;

namespace OtoMask;

/// <summary>
/// The one way to open a file that somebody else may have made: regular, so that opening never waits for a writer and reading ends; of a size that
/// what it claims to be can have; text in UTF-8. What is wrong is an error that the user can act on.
/// </summary>
internal static class InputFile
{
    /// <summary>The most bytes of a table, a log or a list: the largest of the field, AudioSet's, has about a hundred million.</summary>
    public const long LargestTable = 1L << 28;

    private const int MaxQuotedLength = 300, LongestLine = 1 << 20;

    /// <summary>Opens a file that is not empty for sequential reading.</summary>
    /// <exception cref="UserErrorException">It is missing, empty, a folder, a pipe or a device, or not readable by this user.</exception>
    public static FileStream Open(string path)
    {
        FileStream file = OpenRegular(path);
        if (file.Length > 0)
            return file;
        file.Dispose();
        throw new UserErrorException($"{path}: has zero bytes; name another file");
    }

    /// <summary>The content of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="most">Bytes that it may have.</param>
    /// <exception cref="UserErrorException">It cannot be read, or is larger.</exception>
    public static byte[] ReadBytes(string path, long most)
    {
        using FileStream file = OpenRegular(path);
        if (file.Length > most)
            throw new UserErrorException($"{path}: larger than {(most >= 1 << 20 ? $"{most >> 20} MiB" : $"{most} bytes")}, so it is not what belongs here; name another file");
        try
        {
            // As many as there are, whatever the length said: files of /proc have none, and others may change.
            var bytes = new MemoryStream((int)file.Length);
            var block = new byte[1 << 16];
            for (int read; bytes.Length <= most && (read = file.Read(block)) > 0;)
                bytes.Write(block, 0, read);
            return bytes.ToArray();
        }
        catch (IOException error)
        {
            throw new UserErrorException($"{path}: cannot be read ({error.Message})", error);
        }
    }

    /// <summary>The UTF-8 text of a file, without a byte order mark.</summary>
    /// <inheritdoc cref="ReadBytes"/>
    /// <exception cref="UserErrorException">It cannot be read, is larger, or is no UTF-8: the first such line is named.</exception>
    public static string ReadText(string path, long most) => Encoding.UTF8.GetString(ReadUtf8(path, most).Span);

    /// <summary>The same as bytes, which are UTF-8 without a byte order mark.</summary>
    /// <inheritdoc cref="ReadText"/>
    public static ReadOnlyMemory<byte> ReadUtf8(string path, long most)
    {
        ReadOnlyMemory<byte> text = ReadBytes(path, most);
        if (text.Span.StartsWith(Encoding.UTF8.Preamble))
            text = text[Encoding.UTF8.Preamble.Length..];
        RequireText(path, text.Span);
        return text;
    }

    /// <summary>The lines of a log as they are asked for; what is no UTF-8 in them becomes a replacement character.</summary>
    /// <exception cref="UserErrorException">It cannot be read, or has a line that no log has.</exception>
    public static IEnumerable<string> ReadLines(string path)
    {
        using var reader = new StreamReader(OpenRegular(path));
        StringBuilder line = new();
        int number = 1;
        for (int next = reader.Read(); next >= 0; next = reader.Read())
        {
            if (next == '\n')
            {
                yield return line.ToString();
                line.Clear();
                number++;
            }
            else if (line.Length == LongestLine)
                throw new UserErrorException($"{path}, line {number}: longer than {LongestLine} characters, so this is no log; restore the file or remove the line");
            else
                line.Append((char)next);
        }
        if (line.Length > 0)
            yield return line.ToString();
    }

    /// <summary>Opens a file to be read from any place.</summary>
    /// <exception cref="UserErrorException">It cannot be read.</exception>
    internal static SafeFileHandle OpenHandle(string path)
    {
        if (WhyNot(path) is { } reason)
            throw new UserErrorException($"{path}: {reason}");
        try
        {
            return File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserErrorException($"{path}: no such file; check the path", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UserErrorException($"{path}: no permission to read; mend its permissions", e);
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            throw new UserErrorException($"{(path.Length > 0 ? path : "''")}: cannot be read ({e.Message})", e);
        }
    }

    /// <summary>SHA-256 of a file, in lower-case hexadecimal.</summary>
    /// <exception cref="UserErrorException">It cannot be read.</exception>
    public static string HashOf(string path)
    {
        using FileStream file = OpenRegular(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Why a path leads to no file that can be read to its end: a folder, a pipe, a device, a name that is not UTF-8; null where it may, or where nothing is.</summary>
    internal static string? WhyNot(string path) =>
        Directory.Exists(path) ? "is a folder; name a file inside it"
        : File.Exists(path) && !FileStatus.IsRegular(path) ? "is a pipe or a device; name a file"
        : HasForeignName(path) ? NotUtf8
        : null;

    /// <summary>Whether a name that was listed or given is not UTF-8: it is told with replacement characters, and under that name there is nothing.</summary>
    internal static bool HasForeignName(string path) => path.Contains('\uFFFD') && !Path.Exists(path);

    /// <summary>What to say of such a name.</summary>
    internal const string NotUtf8 = "its name is not UTF-8, so it cannot be opened; rename it";

    /// <summary>Fills bytes from a place in a file, wherever other readers of it are; false where the file ends before.</summary>
    internal static bool TryReadAt(SafeFileHandle file, long offset, Span<byte> bytes)
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
    internal static string Quotable(string message) => OneLine.Of(message.Length <= MaxQuotedLength ? message : message[..MaxQuotedLength] + "...", '?');

    private static FileStream OpenRegular(string path) => new(OpenHandle(path), FileAccess.Read, bufferSize: 1 << 16);

    private static void RequireText(string path, ReadOnlySpan<byte> bytes)
    {
        int zero = bytes.IndexOf((byte)0);
        bool isUtf16 = bytes.StartsWith(Encoding.Unicode.Preamble) || bytes.StartsWith(Encoding.BigEndianUnicode.Preamble);
        if (!isUtf16 && zero < 0 && Utf8.IsValid(bytes))
            return;
        int valid = 0;
        while (Rune.DecodeFromUtf8(bytes[valid..], out Rune rune, out int consumed) == System.Buffers.OperationStatus.Done && rune.Value != 0)
            valid += consumed;
        int line = 1 + bytes[..valid].Count((byte)'\n');
        string what = isUtf16 ? "is UTF-16" : bytes[valid] == 0 ? "holds a zero byte, so it is UTF-16 or no text" : "is not UTF-8";
        throw new UserErrorException($"{path}, line {line}: {what}; save it as UTF-8");
    }
}
