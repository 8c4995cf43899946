using System.Globalization;
using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>Renders MIDI through a sound font with the program <c>fluidsynth</c>.</summary>
internal sealed class Fluidsynth
{
    private const string Name = "fluidsynth";
    private readonly string program;
    private readonly Dictionary<string, string> environment = [];
    private readonly CancellationToken cancellation;

    private Fluidsynth(string program, string? libraries, CancellationToken cancellation)
    {
        (this.program, this.cancellation) = (program, cancellation);
        if (libraries is not null)
            environment["LD_LIBRARY_PATH"] = libraries;
    }

    /// <summary>The packages to download before <see cref="Open"/> works: none where fluidsynth is on PATH.</summary>
    /// <exception cref="UserErrorException">apt is missing or knows no fluidsynth.</exception>
    public static IReadOnlyList<string> Packages(CancellationToken cancellation) => IsOnPath() ? [] : DebianPackages.MissingFor(Name, cancellation);

    /// <summary>Fluidsynth of this system, else one unpacked, with the libraries it misses, beside the other packages.</summary>
    /// <param name="packages">Where packages come from.</param>
    /// <param name="cancellation">Ends the download, and later every <see cref="Render"/>.</param>
    /// <exception cref="UserErrorException">It is neither here nor to be had.</exception>
    public static Fluidsynth Open(DebianPackages packages, CancellationToken cancellation)
    {
        if (IsOnPath())
            return new Fluidsynth(Name, libraries: null, cancellation);
        DebianPackage[] unpacked = [.. packages.Provide(Packages(cancellation), cancellation).Values.Where(package => package.Root != "/")];
        string program = unpacked.Select(package => Path.Combine(package.Root, "usr/bin/fluidsynth")).FirstOrDefault(File.Exists)
            ?? throw new UserErrorException("fluidsynth is not on this machine and could not be unpacked; run 'sudo apt-get install fluidsynth' and try again");
        IEnumerable<string> libraries = unpacked
            .SelectMany(package => Directory.EnumerateFiles(package.Root, "*.so*", SearchOption.AllDirectories))
            .Select(file => Path.GetDirectoryName(file)!)
            .Distinct();
        Fluidsynth fluidsynth = new(program, string.Join(':', libraries), cancellation);
        return ExternalProgram.TryRun(program, ["--version"], environment: fluidsynth.environment) is { ExitCode: 0 }
            ? fluidsynth
            : throw new UserErrorException("the unpacked fluidsynth does not start; run 'sudo apt-get install fluidsynth' and try again");
    }

    /// <summary>Renders <paramref name="events"/> without reverb and chorus; the stereo output is averaged.</summary>
    /// <returns>Mono samples at <see cref="ClipLibrary.SampleRate"/>, from time 0 to a little after the last event.</returns>
    /// <exception cref="UserErrorException">fluidsynth failed; the message quotes it.</exception>
    public float[] Render(string soundfontPath, IReadOnlyList<MidiEvent> events)
    {
        string scratch = Directory.CreateTempSubdirectory("otomask-").FullName;
        try
        {
            string midi = Path.Combine(scratch, "notes.mid"), wav = Path.Combine(scratch, "notes.wav");
            File.WriteAllBytes(midi, MidiFile.Encode(events));
            string rate = ClipLibrary.SampleRate.ToString(CultureInfo.InvariantCulture);
            string[] arguments = ["-ni", "-q", "-g", "0.6", "-r", rate, "-o", "synth.reverb.active=0", "-o", "synth.chorus.active=0", "-F", wav, soundfontPath, midi];
            ProgramResult? result = ExternalProgram.TryRun(program, arguments, environment: environment, cancellation: cancellation);
            return result is { ExitCode: 0 } && File.Exists(wav)
                ? AudioFile.ReadMono(wav, ClipLibrary.SampleRate)
                : throw new UserErrorException($"fluidsynth could not render {soundfontPath} ({result?.LastError ?? "it is gone"}); run 'sudo apt-get install --reinstall fluidsynth' and try again");
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private static bool IsOnPath() => ExternalProgram.TryRun(Name, ["--version"]) is { ExitCode: 0 };
}
