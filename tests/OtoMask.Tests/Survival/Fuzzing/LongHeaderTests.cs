using System.Text;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Interop;
using OtoMask.Studies;
using OtoMask.Tests.Interop;

namespace OtoMask.Tests.Survival.Fuzzing;

/// <summary>Headers of many megabytes, of very many or very long names, and very deep ones: read, or refused in a line, within the memory that their size justifies.</summary>
public sealed class LongHeaderTests
{
    private const string Nothing = """{"dtype":"F32","shape":[0],"data_offsets":[0,0]}""";
    private const int Megabytes = 32, Many = 200_000, Deep = 100_000;
    private const long MostPerByte = 16, MostBesides = 64 << 20;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2); // other tests may take the processor meanwhile

    private static Dictionary<string, (string Name, Func<byte[]> File, Action<string> Read)> Cases { get; } = new()
    {
        ["safetensors of spaces"] = ("x.safetensors", () => Safetensors("{}" + new string(' ', Megabytes << 20)), path => SafetensorsFile.Read(path)),
        ["safetensors of one long name"] = ("x.safetensors", () => Safetensors($"{{\"{Long}\":{Nothing}}}"), path => SafetensorsFile.Read(path)),
        ["safetensors of many names"] = ("x.safetensors", () => Safetensors("{" + string.Join(",", Range(i => $"\"{i}\":{Nothing}")) + "}"), path => SafetensorsFile.Read(path)),
        ["safetensors of one long shape"] = ("x.safetensors", () => Safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[" + string.Join(",", Range(_ => "1")) + "],\"data_offsets\":[0,4]}}"), path => SafetensorsFile.Read(path)),
        ["deep safetensors"] = ("x.safetensors", () => Safetensors("""{"a":""" + new string('[', Deep)), path => SafetensorsFile.Read(path)),
        ["npy of a long header"] = ("x.npy", () => [0x93, .. "NUMPY"u8, 2, 0, .. BitConverter.GetBytes(Megabytes << 20), .. new byte[Megabytes << 20]], path => NpyFile.Read(path)),
        ["npy of many axes"] = ("x.npy", () => NpyHeader.Encode("<f4", [.. Enumerable.Repeat(1, 20_000)]), path => NpyFile.Read(path)),
        ["pickle of many keys"] = ("x.pth", () => PyTorchSamples.Zip(new PickleBuilder().Dictionary([.. Range(i => (Key: $"key {i}", Value: (Action<PickleBuilder>)(p => p.True())))]).ToArray()), path => PyTorchCheckpoint.Read(path)),
        ["pickle of one long key"] = ("x.pth", () => PyTorchSamples.Zip(new PickleBuilder().Dictionary((Long, p => p.True())).ToArray()), path => PyTorchCheckpoint.Read(path)),
        ["wav of many chunks"] = ("x.wav", () => [.. "RIFF"u8, .. BitConverter.GetBytes(int.MaxValue), .. "WAVE"u8, .. Enumerable.Repeat<byte[]>([.. "junk"u8, 2, 0, 0, 0, 0, 0], Many).SelectMany(chunk => chunk)], path => AudioFile.ReadMono(path, 16000)),
        ["ogg of many empty pages"] = ("x.ogg", () => [.. Enumerable.Repeat<byte[]>([.. "OggS"u8, 0, 2, .. new byte[21]], Many).SelectMany(page => page)], path => AudioFile.ReadMono(path, 16000)),
        ["mp3 of many tags"] = ("x.mp3", () => [.. Enumerable.Repeat<byte[]>([.. "ID3"u8, 4, 0, 0, 0, 0, 0, 0], Many).SelectMany(tag => tag)], path => AudioFile.ReadMono(path, 16000)),
        ["deep YAML"] = ("x.yaml", () => Encoding.UTF8.GetBytes("data: " + new string('[', Deep)), path => ConfigFile.Read(path)),
        ["indented YAML"] = ("x.yaml", () => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 4000).Select(i => new string(' ', i) + "a:\n"))), path => StudyFile.Read(path)),
        ["YAML of a long line"] = ("x.yaml", () => Encoding.UTF8.GetBytes("data: " + Long), path => ConfigFile.Read(path)),
        ["YAML of many keys"] = ("x.yaml", () => Encoding.UTF8.GetBytes(string.Join("\n", Range(i => $"key{i}: {i}"))), path => ConfigFile.Read(path)),
        ["YAML of aliases of aliases"] = ("x.yaml", () => Encoding.UTF8.GetBytes("a0: &a0 [x, x]\n" + string.Join("\n", Enumerable.Range(1, 60).Select(i => $"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]"))), path => StudyFile.Read(path)),
        ["table of a long line"] = ("x.csv", () => Encoding.UTF8.GetBytes("file_name,label,split\n" + Long), path => LabelledTask.Read(path)),
        ["table of many columns"] = ("x.csv", () => Encoding.UTF8.GetBytes(string.Join(",", Range(i => $"c{i}"))), path => LabelledTask.Read(path)),
        ["table of one open quote"] = ("x.csv", () => Encoding.UTF8.GetBytes("file_name,label,split\n\"" + string.Concat(Range(_ => "a,b,c\n"))), path => LabelledTask.Read(path)),
        ["rows of a long line"] = ("rows.jsonl", () => Encoding.UTF8.GetBytes("{\"arm\":\"" + Long), path => JsonLines.Read<StudyRow>(path)),
        ["deep rows"] = ("rows.jsonl", () => Encoding.UTF8.GetBytes("{\"arm\":" + new string('[', Deep)), path => JsonLines.Read<StudyRow>(path)),
    };

    private static string Long => new('k', Megabytes << 20);

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory, MemberData(nameof(Names))]
    public void A_long_header_costs_no_more_than_its_size_justifies(string name)
    {
        using var folder = new TemporaryFolder();
        (string file, Func<byte[]> make, Action<string> read) = Cases[name];
        byte[] bytes = make();
        File.WriteAllBytes(folder.File(file), bytes);
        Exception? failure = null;
        long allocated = 0;
        var worker = new Thread(() =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            failure = Record.Exception(() => read(folder.File(file)));
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        })
        {
            IsBackground = true,
        };
        worker.Start();
        Assert.True(worker.Join(Longest), "it hangs");
        if (failure is not null)
            Assert.True(failure is UserErrorException or UnreadableAudioException && !failure.Message.Any(char.IsControl) && failure.Message.Length < 2000, $"{failure.GetType()}: {failure.Message[..Math.Min(500, failure.Message.Length)]}");
        Assert.InRange(allocated, 0, MostBesides + MostPerByte * bytes.Length);
    }

    private static byte[] Safetensors(string header) => [.. BitConverter.GetBytes((long)Encoding.UTF8.GetByteCount(header)), .. Encoding.UTF8.GetBytes(header), .. new byte[4]];

    private static IEnumerable<T> Range<T>(Func<int, T> select) => Enumerable.Range(0, Many).Select(select);
}
