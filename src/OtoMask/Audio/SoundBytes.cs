using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OtoMask.Audio;

/// <summary>The bytes of a sound file, or of a part of it, with some of them replaced where a header was never filled in.</summary>
internal sealed partial class SoundBytes : IDisposable
{
    private const int HeadBytes = 1 << 16, FromStart = 0;
    private static readonly byte[][] Magics = [.. new[] { "RIFF", "RIFX", "RF64", "riff", "FORM", "fLaC", "OggS", "caff", ".snd", "FFIR" }.Select(magic => magic.Select(letter => (byte)letter).ToArray())];

    private static ReadOnlySpan<byte> NpyMagic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    private readonly SafeFileHandle file;
    private readonly long begin;
    private readonly (long Offset, byte[] Bytes)? replaced;

    private SoundBytes(SafeFileHandle file, long begin, long length, (long, byte[])? replaced = null) =>
        (this.file, this.begin, Length, this.replaced) = (file, begin, length, replaced);

    /// <summary>How many there are.</summary>
    public long Length { get; }

    /// <summary>The file, standing at its beginning, if these are all its bytes as they are; else null.</summary>
    public SafeFileHandle? WholeFile() => begin == 0 && replaced is null && Length == RandomAccess.GetLength(file) && MoveTo(file, 0, FromStart) == 0 ? file : null;

    /// <summary>What went wrong with the file while <see cref="Read"/> was called by a library that only knows of an early end.</summary>
    public IOException? Failure { get; private set; }

    /// <summary>Whether they begin as a container does that names itself.</summary>
    public bool IsContainer => Magics.Any(magic => StartsWith(magic));

    /// <summary>Opens a regular file that may hold sound.</summary>
    /// <exception cref="UnreadableAudioException">It is missing, empty, forbidden, no regular file, or its beginning was never written.</exception>
    public static SoundBytes Open(string path)
    {
        SafeFileHandle file = OpenFile(path);
        try
        {
            var bytes = new SoundBytes(file, 0, RandomAccess.GetLength(file));
            byte[] head = new byte[Math.Min(HeadBytes, bytes.Length)];
            int read = bytes.Read(0, head);
            // No format begins so. Programs that look for a beginning would go through all of it, and such files may claim any size.
            if (read > 0 && !head.AsSpan().ContainsAnyExcept((byte)0))
                throw new UnreadableAudioException(path, "it begins with nothing but zeros, so it was never written, or is no sound");
            return head.AsSpan().StartsWith(NpyMagic)
                ? throw new UnreadableAudioException(path, "it is a NumPy array, and sound is needed here; log-mels as .npy are taken by pretrain, prepare and embed")
                : bytes;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>A part of the same file, which stays this object's to close.</summary>
    public SoundBytes Slice(long offset, long length) => new(file, begin + offset, length);

    /// <summary>Those before a place; it takes the file over.</summary>
    public SoundBytes Until(long end) => new(file, begin, Math.Min(end, Length));

    /// <summary>The same with other bytes at one place; it takes the file over.</summary>
    public SoundBytes With(long offset, byte[] bytes) => new(file, begin, Length, (offset, bytes));

    /// <summary>Whether they begin with these.</summary>
    public bool StartsWith(ReadOnlySpan<byte> magic)
    {
        Span<byte> head = stackalloc byte[magic.Length];
        return Read(0, head) == magic.Length && head.SequenceEqual(magic);
    }

    /// <summary>Reads from a place; fewer bytes than asked for at the end only, or where the file fails (see <see cref="Failure"/>).</summary>
    public int Read(long offset, Span<byte> target)
    {
        target = target[..(int)Math.Clamp(Length - offset, 0, target.Length)];
        int done = 0;
        try
        {
            while (done < target.Length && RandomAccess.Read(file, target[done..], begin + offset + done) is > 0 and int read)
                done += read;
        }
        catch (IOException failure)
        {
            Failure = failure;
        }
        if (replaced is { } patch)
        {
            for (int i = (int)Math.Max(0, patch.Offset - offset); i < done && offset + i < patch.Offset + patch.Bytes.Length; i++)
                target[i] = patch.Bytes[offset + i - patch.Offset];
        }
        return done;
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static SafeFileHandle OpenFile(string path)
    {
        SafeFileHandle file;
        try
        {
            if (File.Exists(path) && !FileStatus.IsRegular(path))
                throw new UnreadableAudioException(path, "it is a pipe or a device; give a file");
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UnreadableAudioException(path, InputFile.HasForeignName(path) ? InputFile.NotUtf8 : "there is no such file", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UnreadableAudioException(path, Directory.Exists(path) ? "it is a folder" : "permission denied", e);
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            throw new UnreadableAudioException(path, e.Message, e);
        }
        if (RandomAccess.GetLength(file) > 0)
            return file;
        file.Dispose();
        throw new UnreadableAudioException(path, "it has zero bytes");
    }

    // Libraries read on from where a descriptor stands, which earlier ones have moved; .NET itself leaves it where it is.
    [LibraryImport("libc", EntryPoint = "lseek")]
    private static partial long MoveTo(SafeFileHandle file, long offset, int whence);
}
