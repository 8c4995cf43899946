using System.Diagnostics;

namespace OtoMask.Tests.Survival.Fuzzing;

/// <summary>What may lie where a file is expected: holes of a hundred gigabytes, which take no room, pipes that nobody writes to, devices without an end.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Make">Makes it at a path where nothing is.</param>
internal sealed record StrangePlace(string Name, Action<string> Make)
{
    private const long Hole = 100L << 30;

    /// <summary>All of them.</summary>
    /// <param name="whole">A file of the kind that is expected.</param>
    public static IReadOnlyList<StrangePlace> Of(byte[] whole) =>
    [
        new("a hole", path => WriteThenHole(path, [])),
        new("a whole file and a hole behind it", path => WriteThenHole(path, whole)),
        new("half a file and a hole behind it", path => WriteThenHole(path, whole[..(whole.Length / 2)])),
        new("a pipe", path => Start("mkfifo", path)),
        new("a device", path => File.CreateSymbolicLink(path, "/dev/zero")),
        new("a link to itself", path => File.CreateSymbolicLink(path, path)),
        new("a folder", path => Directory.CreateDirectory(path)),
        new("nothing", _ => { }),
    ];

    /// <summary>Takes it away.</summary>
    public static void Remove(string path) => Start("rm", "-rf", path);

    /// <summary>Moves it, if there is anything, to where something else may lie.</summary>
    public static void Move(string path, string target)
    {
        if (Directory.Exists(target))
            Directory.Delete(target);
        else
            File.Delete(target);
        if (Directory.Exists(path))
            Directory.Move(path, target);
        else if (new FileInfo(path) is var file && (file.Exists || file.LinkTarget is not null))
            File.Move(path, target);
    }

    private static void WriteThenHole(string path, byte[] beginning)
    {
        using FileStream file = File.Create(path);
        file.Write(beginning);
        file.SetLength(Hole);
    }

    private static void Start(string program, params string[] arguments)
    {
        using Process process = Process.Start(program, arguments);
        process.WaitForExit();
    }
}
