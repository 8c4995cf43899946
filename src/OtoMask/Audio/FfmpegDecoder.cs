using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>Decodes what our libraries do not know (m4a, wma, webm ...) by the <c>ffmpeg</c> program, through a pipe.</summary>
/// <remarks>
/// Files may come from strangers, so ffmpeg may open nothing but the file itself, no network, no play lists, and its memory and time are limited.
/// It always decodes from the beginning: its seeking loses what a codec needs from before, and trusts time stamps that are rounded.
/// </remarks>
internal sealed class FfmpegDecoder : AudioDecoder
{
    private const string Containers = "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,matroska,webm,mov,mp4,m4a,3gp,mp3,mpeg,mpegts,ogg,tta,w64,wav,wv";
    private const string ToInstall = "this container needs ffmpeg; install it: apt-get install ffmpeg";
    private const long MostMemory = 2L << 30;
    private const int MostProbing = 20;
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(30);

    private readonly string path;
    private readonly CancellationToken cancellation;
    private Child? child;

    private FfmpegDecoder(string path, AudioInfo info, CancellationToken cancellation) => (this.path, Info, this.cancellation) = (path, info, cancellation);

    /// <summary>Whether ffmpeg is on the PATH.</summary>
    public static bool IsInstalled => ChildProgram.IsInstalled("ffmpeg") && ChildProgram.IsInstalled("ffprobe");

    /// <inheritdoc/>
    public override AudioInfo Info { get; }

    /// <inheritdoc/>
    /// <remarks>Containers tell durations that are rounded, or guessed from the bit rate.</remarks>
    public override long? Length => null;

    /// <summary>Asks ffprobe for the first audio stream; decoding begins with the first read.</summary>
    /// <exception cref="UnreadableAudioException">ffmpeg is not installed or finds no audio.</exception>
    public static FfmpegDecoder OpenContainer(string path, CancellationToken cancellation)
    {
        using var probe = new Child("ffprobe",
            ["-v", "error", .. Restrictions, "-select_streams", "a:0", "-show_entries", "stream=codec_long_name,sample_rate,channels:format=format_long_name,duration",
            "-of", "default=noprint_wrappers=1", FileUrl(path)], path, MostProbing, cancellation);
        Dictionary<string, string> found = [];
        foreach (string line in probe.ReadToEnd().Split('\n'))
        {
            if (line.Split('=', 2) is [var key, var value])
                found[key] = value;
        }
        probe.EnsureSuccess();
        if (!int.TryParse(found.GetValueOrDefault("sample_rate"), CultureInfo.InvariantCulture, out int rate)
            || !int.TryParse(found.GetValueOrDefault("channels"), CultureInfo.InvariantCulture, out int channels))
            throw new UnreadableAudioException(path, "it holds no audio stream");
        bool told = double.TryParse(found.GetValueOrDefault("duration"), CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and < 1e9;
        string format = $"{found.GetValueOrDefault("format_long_name")}, {found.GetValueOrDefault("codec_long_name")}";
        return new FfmpegDecoder(path, new AudioInfo(rate, channels, told ? (long)(seconds * rate) : 0, format), cancellation);
    }

    /// <inheritdoc/>
    public override void Seek(long frame)
    {
        Restart();
        Skip(frame);
    }

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        child ??= new Child("ffmpeg",
            ["-v", "error", "-nostdin", .. Restrictions, "-threads", "1", "-i", FileUrl(path),
            "-map", "0:a:0", "-ac", Info.Channels.ToString(CultureInfo.InvariantCulture), "-ar", Info.SampleRate.ToString(CultureInfo.InvariantCulture),
            "-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"], path, processorTime: 0, cancellation);
        Span<byte> bytes = MemoryMarshal.AsBytes(interleaved[..(interleaved.Length / Info.Channels * Info.Channels)]);
        int read = child.Read(bytes);
        if (read < bytes.Length)
            child.EnsureSuccess();
        return read / (sizeof(float) * Info.Channels);
    }

    /// <inheritdoc/>
    public override void Restart()
    {
        child?.Dispose();
        child = null;
    }

    /// <inheritdoc/>
    public override void Dispose() => Restart();

    private static string[] Restrictions => ["-protocol_whitelist", "file,pipe", "-format_whitelist", Containers];

    private static string FileUrl(string path) => "file:" + Path.GetFullPath(path);

    /// <summary>A running ffmpeg or ffprobe, which is ended when nothing comes from it for too long, or when it is cancelled.</summary>
    private sealed class Child : IDisposable
    {
        private readonly string path;
        private readonly CancellationToken cancellation;
        private readonly Process process;
        private readonly Task<string> complaints;
        private readonly CancellationTokenSource tooLong = new();
        private readonly CancellationTokenRegistration onCancel, onSilence;

        public Child(string program, string[] arguments, string path, int processorTime, CancellationToken cancellation)
        {
            (this.path, this.cancellation) = (path, cancellation);
            var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            process = ChildProgram.TryStart(start, MostMemory, processorTime) ?? throw new UnreadableAudioException(path, ToInstall);
            process.StandardInput.Close();
            complaints = process.StandardError.ReadToEndAsync(CancellationToken.None);
            onCancel = cancellation.Register(Kill);
            onSilence = tooLong.Token.Register(Kill);
        }

        public string ReadToEnd() => Watched(process.StandardOutput.ReadToEnd);

        /// <summary>Fills the bytes; fewer at the end only.</summary>
        public int Read(Span<byte> bytes)
        {
            int done = 0;
            for (int read = -1; done < bytes.Length && read != 0; done += read)
            {
                tooLong.CancelAfter(LongestSilence);
                read = process.StandardOutput.BaseStream.Read(bytes[done..]);
            }
            tooLong.CancelAfter(Timeout.InfiniteTimeSpan);
            return done;
        }

        /// <exception cref="UnreadableAudioException">It did not end well.</exception>
        public void EnsureSuccess()
        {
            Watched(() => process.WaitForExit(Timeout.InfiniteTimeSpan));
            cancellation.ThrowIfCancellationRequested();
            if (tooLong.IsCancellationRequested)
                throw new UnreadableAudioException(path, $"ffmpeg found nothing in it for {LongestSilence.TotalSeconds:0} s");
            if (process.ExitCode != 0)
                throw new UnreadableAudioException(path, $"ffmpeg cannot read it ({Reason()})");
        }

        public void Dispose()
        {
            onCancel.Dispose();
            onSilence.Dispose();
            Kill();
            process.Dispose();
            tooLong.Dispose();
        }

        private string Reason() => complaints.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault()
            is { } last ? last.Replace(FileUrl(path) + ": ", "", StringComparison.Ordinal) : $"it ended with {process.ExitCode}";

        private T Watched<T>(Func<T> wait)
        {
            tooLong.CancelAfter(LongestSilence);
            T result = wait();
            tooLong.CancelAfter(Timeout.InfiniteTimeSpan);
            return result;
        }

        private void Kill()
        {
            if (!process.HasExited)
                process.Kill();
        }
    }
}
