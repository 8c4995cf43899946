using Microsoft.Win32.SafeHandles;

namespace OtoMask.Audio;

/// <summary>Decodes one audio file from front to back, block by block.</summary>
internal abstract class AudioDecoder : IDisposable
{
    /// <summary>Sample rates that can be, in Hz.</summary>
    public const int LowestRate = 100, HighestRate = 1_536_000;

    /// <summary>What the header says.</summary>
    public abstract AudioInfo Info { get; }

    /// <summary>Continues at <paramref name="frame"/>, or at the end if the file is shorter.</summary>
    public abstract void Seek(long frame);

    /// <summary>Decodes up to interleaved.Length / channels frames and returns how many; 0 at the end.</summary>
    /// <exception cref="UnreadableAudioException">The file is damaged.</exception>
    public abstract int Read(Span<float> interleaved);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Opens a file by libsndfile, and by ffmpeg what libsndfile does not know.</summary>
    /// <exception cref="UnreadableAudioException">The file is missing, empty, forbidden or not audio.</exception>
    /// <exception cref="UserErrorException">libsndfile is not installed.</exception>
    public static AudioDecoder Open(string path)
    {
        AudioDecoder decoder = OpenBytes(path);
        AudioInfo info = decoder.Info;
        if (info.SampleRate is >= LowestRate and <= HighestRate && info.Channels > 0)
            return decoder;
        decoder.Dispose();
        throw new UnreadableAudioException(path, $"its header claims {info.Channels} channels at {info.SampleRate} Hz");
    }

    private static AudioDecoder OpenBytes(string path)
    {
        SafeFileHandle file = OpenFile(path);
        if (AudioFile.NeedsFfmpeg(path))
        {
            file.Dispose();
            return FfmpegDecoder.OpenContainer(path);
        }
        try
        {
            return SndFileDecoder.OpenDescriptor(path, file);
        }
        catch (UnreadableAudioException unknown) when (FfmpegDecoder.IsInstalled)
        {
            try
            {
                return FfmpegDecoder.OpenContainer(path);
            }
            catch (UnreadableAudioException)
            {
                throw unknown;
            }
        }
    }

    private static SafeFileHandle OpenFile(string path)
    {
        SafeFileHandle file;
        try
        {
            if (EmptyFile.Is(path))
                throw new UnreadableAudioException(path, "it has zero bytes: an empty file, a pipe or a device");
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
        if (HasLength(file))
            return file;
        file.Dispose();
        throw new UnreadableAudioException(path, "it is a pipe or a device; give a file"); // one without a name, such as /dev/fd/3
    }

    private static bool HasLength(SafeFileHandle file)
    {
        try
        {
            return RandomAccess.GetLength(file) >= 0;
        }
        catch (NotSupportedException)
        {
            return false;
        }
    }
}
