using OtoMask.Audio;

namespace OtoMask.Tests.Evaluation;

/// <summary>A task on disk: half-second tones, low and high, 24 to train on and 8 to test on.</summary>
internal sealed class ToneTask : IDisposable
{
    public ToneTask()
    {
        List<string> lines = ["file_name,label,split"];
        for (int i = 0; i < 32; i++)
        {
            double hz = (i % 2 == 0 ? 300 : 3000) * (1 + i / 100.0);
            AudioFile.WriteWav(Path.Combine(Folder, $"{i}.wav"), [.. Enumerable.Range(0, 8000).Select(t => 0.3f * (float)Math.Sin(2 * Math.PI * hz * t / 16000))], 16000);
            lines.Add($"{i}.wav,{Label(i)},{Split(i)}");
        }
        CsvPath = Path.Combine(Folder, "tones.csv");
        File.WriteAllLines(CsvPath, lines);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("otomask-tones-").FullName;

    public string CsvPath { get; }

    public static string Label(int clip) => clip % 2 == 0 ? "low" : "high";

    public static string Split(int clip) => clip < 24 ? "train" : "test";

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
