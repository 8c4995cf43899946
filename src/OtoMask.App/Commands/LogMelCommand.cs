using System.CommandLine;
using OtoMask.Audio;
using OtoMask.Interop;

namespace OtoMask.App.Commands;

/// <summary><c>otomask logmel IN --out X.npy</c>: the log-mel spectrogram of an audio file.</summary>
internal static class LogMelCommand
{
    public static Command Create()
    {
        Argument<string> input = new("IN") { Description = "Audio file: wav, flac, ogg, opus, mp3, or whatever ffmpeg reads." };
        Option<string> output = new("--out")
        {
            Description = "The .npy file to write: float32 [80, frames].",
            Required = true,
            HelpName = "X.npy",
        };
        Option<int> sampleRate = new("--sample-rate")
        {
            Description = "16000 (50-8000 Hz) or 32000 (50-16000 Hz); 100 frames a second either way.",
            DefaultValueFactory = _ => LogMelSettings.Default.SampleRate,
            HelpName = "HZ",
        };
        Command command = new("logmel", "Write the log-mel spectrogram of an audio file as .npy.") { input, output, sampleRate };
        command.SetAction((arguments, cancellation) =>
        {
            Run(arguments.GetRequiredValue(input), arguments.GetRequiredValue(output), arguments.GetRequiredValue(sampleRate), arguments.InvocationConfiguration.Output, cancellation);
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Run(string input, string output, int sampleRate, TextWriter console, CancellationToken cancellation)
    {
        LogMelSettings settings = sampleRate switch
        {
            16000 => LogMelSettings.Default,
            32000 => LogMelSettings.ThirtyTwoKilohertz,
            _ => throw new UserErrorException($"--sample-rate {sampleRate}: there is a front end for 16000 and for 32000; choose one"),
        };
        OutputPlace.Require(output, input);
        LogMel logMel = new LogMelExtractor(settings).Compute(Read(input, settings.SampleRate, cancellation));
        NpyFile.Write(output, logMel.Values, logMel.Bands, logMel.Frames);
        console.Tell($"{output}: {logMel.Bands} bands x {logMel.Frames} frames of {input}");
    }

    private static float[] Read(string path, int sampleRate, CancellationToken cancellation)
    {
        try
        {
            return AudioFile.ReadMono(path, sampleRate, cancellation);
        }
        catch (UnreadableAudioException error)
        {
            throw new UserErrorException($"cannot read {path}: {error.Reason}; give an audio file", error);
        }
    }
}
