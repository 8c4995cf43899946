using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>Decodes what libsndfile does not know (m4a, wma, webm ...) by the <c>ffmpeg</c> program, through a pipe.</summary>
/// <remarks>Files may come from strangers, so ffmpeg may open nothing but the file itself: no network, no play lists.</remarks>
internal sealed class FfmpegDecoder : AudioDecoder
{
    private const string Containers = "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,matroska,webm,mov,mp4,m4a,3gp,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv";

    private static readonly Lazy<bool> Installed = new(() =>
    {
        using Process? probe = TryStart("ffprobe", "-version");
        probe?.Kill();
        return probe is not null;
    });

    private readonly string path;
    private double startSeconds;
    private Process? process;
    private Task<string>? complaints;

    private FfmpegDecoder(string path, AudioInfo info) => (this.path, Info) = (path, info);

    /// <summary>Whether ffmpeg is on the PATH.</summary>
    public static bool IsInstalled => Installed.Value;

    /// <inheritdoc/>
    public override AudioInfo Info { get; }

    /// <summary>Asks ffprobe for the first audio stream; decoding begins with the first read.</summary>
    /// <exception cref="UnreadableAudioException">ffmpeg is not installed or finds no audio.</exception>
    public static FfmpegDecoder OpenContainer(string path)
    {
        using Process process = TryStart("ffprobe",
            ["-v", "error", .. Restrictions, "-select_streams", "a:0", "-show_entries", "stream=codec_long_name,sample_rate,channels:format=format_long_name,duration",
            "-of", "default=noprint_wrappers=1", FileUrl(path)])
            ?? throw new UnreadableAudioException(path, "this container needs ffmpeg; install it: apt-get install ffmpeg");
        Task<string> complaints = process.StandardError.ReadToEndAsync();
        Dictionary<string, string> found = [];
        while (process.StandardOutput.ReadLine() is { } line)
        {
            if (line.Split('=', 2) is [var key, var value])
                found[key] = value;
        }
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw Unreadable(path, complaints.Result);
        if (!int.TryParse(found.GetValueOrDefault("sample_rate"), CultureInfo.InvariantCulture, out int rate)
            || !int.TryParse(found.GetValueOrDefault("channels"), CultureInfo.InvariantCulture, out int channels))
            throw new UnreadableAudioException(path, "it holds no audio stream");
        bool told = double.TryParse(found.GetValueOrDefault("duration"), CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and < 1e9;
        string format = $"{found.GetValueOrDefault("format_long_name")}, {found.GetValueOrDefault("codec_long_name")}";
        return new FfmpegDecoder(path, new AudioInfo(rate, channels, told ? (long)(seconds * rate) : 0, format));
    }

    /// <inheritdoc/>
    public override void Seek(long frame)
    {
        Stop();
        startSeconds = (double)frame / Info.SampleRate;
    }

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        if (process is null)
        {
            process = TryStart("ffmpeg",
                ["-v", "error", "-nostdin", .. Restrictions, "-ss", startSeconds.ToString("F6", CultureInfo.InvariantCulture), "-threads", "1", "-i", FileUrl(path),
                "-map", "0:a:0", "-ac", Info.Channels.ToString(CultureInfo.InvariantCulture), "-ar", Info.SampleRate.ToString(CultureInfo.InvariantCulture),
                "-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"])
                ?? throw new UnreadableAudioException(path, "this container needs ffmpeg; install it: apt-get install ffmpeg");
            complaints = process.StandardError.ReadToEndAsync();
        }
        Span<byte> bytes = MemoryMarshal.AsBytes(interleaved[..(interleaved.Length / Info.Channels * Info.Channels)]);
        int read = process.StandardOutput.BaseStream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (read < bytes.Length)
        {
            process.WaitForExit();
            if (process.ExitCode != 0)
                throw Unreadable(path, complaints!.Result);
        }
        return read / (sizeof(float) * Info.Channels);
    }

    /// <inheritdoc/>
    public override void Dispose() => Stop();

    private static string[] Restrictions => ["-protocol_whitelist", "file,pipe", "-format_whitelist", Containers];

    private static string FileUrl(string path) => "file:" + Path.GetFullPath(path);

    private static UnreadableAudioException Unreadable(string path, string complaints)
    {
        string last = complaints.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "no reason given";
        return new(path, $"ffmpeg cannot read it ({last.Replace(FileUrl(path) + ": ", "", StringComparison.Ordinal)})");
    }

    private static Process? TryStart(string program, params string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true });
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    private void Stop()
    {
        if (process is { HasExited: false })
            process.Kill();
        process?.Dispose();
        process = null;
    }
}
