using System.Globalization;
using OtoMask.Torch;

namespace OtoMask.Distributed;

/// <summary>A file of the first process, where every process can read it: in its place if all see it there, else as a copy that goes when this is disposed.</summary>
internal sealed class SharedFile : IDisposable
{
    private const int PieceBytes = 16 << 20;
    private readonly bool isCopy;

    private SharedFile(string path, bool isCopy) => (Path, this.isCopy) = (path, isCopy);

    /// <summary>Where to read it.</summary>
    public string Path { get; }

    /// <summary>Shares a file.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="path">The file; only that of the first process counts.</param>
    public static SharedFile Of(TrainingGroup group, string? path)
    {
        path = group.Told(() => System.IO.Path.GetFullPath(path!))!;
        string[] stamps = group.Gather(Stamp(path));
        return stamps.All(stamp => stamp == stamps[0]) ? new SharedFile(path, isCopy: false) : Copy(group, path);
    }

    /// <summary>Has every process read a file of the first one.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="byFirst">Finds and reads it there.</param>
    /// <param name="pathOf">Where that lay.</param>
    /// <param name="read">Reads it, wholly, where the others see it.</param>
    public static T Read<T>(TrainingGroup group, Func<T> byFirst, Func<T, string> pathOf, Func<string, T> read) where T : class
    {
        T? first = group.IsFirst ? byFirst() : null;
        using SharedFile file = Of(group, first is null ? null : pathOf(first));
        return first ?? read(file.Path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (isCopy)
            File.Delete(Path);
    }

    /// <summary>What makes two processes believe that they see the same file.</summary>
    private static string Stamp(string path) => new FileInfo(path) is { Exists: true } file
        ? string.Create(CultureInfo.InvariantCulture, $"{file.Length} {file.LastWriteTimeUtc.Ticks}")
        : "";

    /// <summary>Gives every other process a copy.</summary>
    internal static SharedFile Copy(TrainingGroup group, string path)
    {
        long length = group.ToldNumber(() => new FileInfo(path).Length);
        string copy = group.IsFirst ? path : System.IO.Path.Combine(System.IO.Path.GetTempPath(), System.IO.Path.GetRandomFileName());
        var shared = new SharedFile(copy, isCopy: !group.IsFirst);
        try
        {
            using FileStream file = group.IsFirst ? InputFile.Open(copy) : new FileStream(copy, FileMode.CreateNew, FileAccess.Write);
            for (long done = 0; done < length; done += PieceBytes)
            {
                byte[] piece = new byte[Math.Min(PieceBytes, length - done)];
                if (group.IsFirst)
                    file.ReadExactly(piece);
                using var scope = new TensorScope();
                Tensor bytes = Tensor.From(piece, piece.Length);
                group.TakeFromFirst(bytes);
                if (!group.IsFirst)
                    file.Write(bytes.ToArray<byte>());
            }
            return shared;
        }
        catch
        {
            shared.Dispose();
            throw;
        }
    }
}
