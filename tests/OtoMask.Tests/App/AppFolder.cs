using OtoMask.Audio;
using OtoMask.Randomness;
using OtoMask.Tests.Audio;

namespace OtoMask.Tests.App;

/// <summary>A temporary folder with generated audio, and the options of a run that takes seconds.</summary>
internal sealed class AppFolder : IDisposable
{
    public const int Rate = 16000;

    private SoundFiles? sounds;

    public string Path { get; } = Directory.CreateTempSubdirectory("otomask app ").FullName;

    /// <summary>A folder in it for sound files of any format.</summary>
    public SoundFiles Sounds => sounds ??= new SoundFiles(Directory.CreateDirectory(Inside("sounds")).FullName);

    /// <summary>Options of a tiny model on 0.96 s of sound: two epochs of three steps.</summary>
    public static string[] TinyRun { get; } = TinyRunOf(epochs: 2);

    public static string[] TinyRunOf(int epochs) =>
        ["--encoder", "16/1/2", "--decoder", "16/1/2", "--input", "80x96", "--batch", "4", "--epochs", $"{epochs}", "--min-clips", "0", "--checkpoint-every", "1", "--evaluate-every", "1"];

    public string Inside(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>A folder of <paramref name="clips"/> sweeps and noises of half a second to two.</summary>
    public string Audio(string name = "audio", int clips = 12)
    {
        string folder = Directory.CreateDirectory(Inside(name)).FullName;
        for (int clip = 0; clip < clips; clip++)
            AudioFile.WriteWav(System.IO.Path.Combine(folder, $"clip{clip:D2}.wav"), Sound(clip, 0.5 + 0.5 * (clip % 4)), Rate);
        return folder;
    }

    /// <summary>A sound that is the same for the same number: even ones are sweeps, odd ones noise under a sweep.</summary>
    public static float[] Sound(int number, double seconds)
    {
        var random = new RandomStream(7, RandomPurpose.Crop, 0, number);
        var samples = new float[(int)(seconds * Rate)];
        for (int i = 0; i < samples.Length; i++)
            samples[i] = 0.3f * MathF.Sin(i * (0.02f + 0.01f * number + i * 1e-6f)) + (number % 2 == 0 ? 0.001f : 0.1f) * (random.NextSingle() - 0.5f);
        return samples;
    }

    /// <summary>The three ways in which a recording can be useless.</summary>
    public string Broken(string kind, string path)
    {
        path = Inside(path);
        switch (kind)
        {
            case "text":
                File.WriteAllText(path, "no audio");
                break;
            case "zero-length":
                File.WriteAllBytes(path, []);
                break;
            case "NaN":
                WriteNaN(path);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, null);
        }
        return path;
    }

    public string Text(string name, string content)
    {
        File.WriteAllText(Inside(name), content);
        return Inside(name);
    }

    /// <summary>A folder in it that is empty.</summary>
    public string Place(string name) => Directory.CreateDirectory(Inside(name)).FullName;

    /// <summary>A recording of silence in 16 bits, which takes no room on the disk.</summary>
    public string Silence(string name, double seconds, int rate = Rate)
    {
        uint bytes = (uint)(seconds * rate) * sizeof(short);
        using FileStream file = new(Inside(name), FileMode.CreateNew);
        using var writer = new BinaryWriter(file);
        WriteWavHeader(writer, format: 1, sizeof(short), bytes, rate); // PCM
        writer.Flush();
        file.SetLength(file.Length + bytes);
        return Inside(name);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <summary>The header of a WAV of one channel, whatever follows it.</summary>
    /// <param name="writer">Where it goes.</param>
    /// <param name="format">1 = PCM, 3 = IEEE float.</param>
    /// <param name="sampleBytes">Bytes of a sample.</param>
    /// <param name="bytes">Bytes of all samples.</param>
    /// <param name="rate">Samples a second.</param>
    public static void WriteWavHeader(BinaryWriter writer, short format, int sampleBytes, uint bytes, int rate = Rate)
    {
        writer.Write("RIFF"u8);
        writer.Write(36 + bytes);
        writer.Write("WAVEfmt "u8);
        writer.Write(16);
        writer.Write(format);
        writer.Write((short)1);
        writer.Write(rate);
        writer.Write(rate * sampleBytes);
        writer.Write((short)sampleBytes);
        writer.Write((short)(8 * sampleBytes));
        writer.Write("data"u8);
        writer.Write(bytes);
    }

    /// <summary>A second of 32-bit float WAV whose samples are not numbers.</summary>
    private static void WriteNaN(string path)
    {
        using var writer = new BinaryWriter(File.Create(path));
        WriteWavHeader(writer, format: 3, sizeof(float), Rate * sizeof(float)); // IEEE float
        for (int i = 0; i < Rate; i++)
            writer.Write(float.NaN);
    }
}
