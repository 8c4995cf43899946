using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>
/// A folder of assembled sources: each a folder of 16 kHz mono FLAC files with a <c>manifest.csv</c>, made once and
/// then only read.
/// </summary>
/// <param name="root">The library's folder; made when missing.</param>
/// <param name="packages">Where packages come from.</param>
/// <param name="progress">Told how many recordings are decoded, or null.</param>
internal sealed class ClipLibrary(string root, DebianPackages packages, IProgress<WorkProgress>? progress = null)
{
    /// <summary>Sampling rate of every clip, in Hz.</summary>
    public const int SampleRate = 16000;

    private const string ManifestName = "manifest.csv", UnreadableName = "unreadable.txt", MissingName = "missing-packages.txt";
    private const long Megabyte = 1_000_000;
    private const short SilencePeak = 100;    // of 32768: notes outside an instrument's range render as next to nothing
    private const short TailPeak = 16;        // of 32768: a decay below this (-66 dB) is cut, so that random crops hear the sound

    private IReadOnlyList<string>? fluidsynthPackages;   // apt takes a second to tell

    /// <summary>The library's folder.</summary>
    public string Root { get; } = Path.GetFullPath(root);

    /// <summary>What assembling <paramref name="sources"/> would cost now; nothing for those assembled already.</summary>
    /// <exception cref="UserErrorException">apt is missing, or knows no such package.</exception>
    public FetchCost Cost(IEnumerable<IClipSource> sources, CancellationToken cancellation = default)
    {
        IClipSource[] missing = [.. sources.Where(source => !IsAssembled(source)).Distinct()];
        IEnumerable<string> programs = missing.Any(source => source.NeedsFluidsynth) ? fluidsynthPackages ??= Fluidsynth.Packages(cancellation) : [];
        FetchCost cost = packages.Cost([.. missing.SelectMany(source => PackagesOf(source, cancellation)).Concat(programs).Distinct()], cancellation);
        return cost with { DiskBytes = cost.DiskBytes + missing.Sum(source => source.ClipMegabytes * Megabyte) };
    }

    /// <summary>Whether the clips of all <paramref name="sources"/> are assembled already.</summary>
    public bool Holds(IEnumerable<IClipSource> sources) => sources.All(IsAssembled);

    /// <summary>
    /// The clips of <paramref name="source"/>, assembled now if they are not there: decoded in parallel, silent tails and silent clips cut off, and
    /// copies of an earlier clip's samples left out, unreadable files listed in <c>unreadable.txt</c>, packages that this release of Debian lacks in
    /// <c>missing-packages.txt</c>. The folder appears whole or not at all.
    /// </summary>
    /// <exception cref="UserErrorException">A package is not to be had, or another process assembles in this folder.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public IReadOnlyList<ManifestClip> Provide(IClipSource source, CancellationToken cancellation = default)
    {
        if (!IsAssembled(source))
        {
            using IDisposable turn = TakeTurn();
            Assemble(source, cancellation);
        }
        else if (UnfinishedFolder.AnyIn(Root))
            SweepWhereFree();
        return ClipManifest.Read(ManifestPath(source));
    }

    /// <summary>The packages of a source, without those that this release lacks and it can do without.</summary>
    private IEnumerable<string> PackagesOf(IClipSource source, CancellationToken cancellation) =>
        source.Packages.Where(package => !source.Dispensable.Contains(package) || packages.VersionOf(package, cancellation) is not null);

    private bool IsAssembled(IClipSource source) => File.Exists(ManifestPath(source));

    /// <summary>Deletes what a process left that was killed when its work was done; not while another is at work, nor where this one may only read.</summary>
    private void SweepWhereFree()
    {
        try
        {
            using IDisposable? turn = FolderLock.TryTake(LockFile);
            if (turn is not null)
                UnfinishedFolder.Sweep(Root);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // They are in nobody's way.
        }
    }

    private string LockFile => Path.Combine(Root, ".lock");

    private string ManifestPath(IClipSource source) => Path.Combine(Root, source.Name, ManifestName);

    /// <summary>Makes the library's folder and locks it against other processes until the result is disposed.</summary>
    private IDisposable TakeTurn()
    {
        try
        {
            Directory.CreateDirectory(Root);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"the folder {Root} cannot be made ({problem.Message}); name another", problem);
        }
        try
        {
            return FolderLock.TryTake(LockFile) ?? throw new UserErrorException($"another process is assembling audio in {Root}; wait for it or name another folder");
        }
        catch (UnauthorizedAccessException problem)
        {
            throw new UserErrorException($"no permission to write to {Root}; name another folder", problem);
        }
        catch (IOException problem)
        {
            throw new UserErrorException($"the folder {Root} cannot be written to ({problem.Message}); name another", problem);
        }
    }

    private void Assemble(IClipSource source, CancellationToken cancellation)
    {
        string folder = Path.Combine(Root, source.Name);
        RequireFree(folder);
        using var aside = new UnfinishedFolder(Root, source.Name);
        Directory.CreateDirectory(aside.Content);
        string[] there = [.. PackagesOf(source, cancellation)], absent = [.. source.Packages.Except(there)];
        IReadOnlyDictionary<string, DebianPackage> opened = packages.Provide(there, cancellation);
        NoteRenderer? render = source.NeedsFluidsynth ? Fluidsynth.Open(packages, cancellation).Render : null;
        IReadOnlyList<ManifestClip> clips = Decode(source, source.Open(opened, render), opened, aside.Content, cancellation);
        if (absent.Length > 0)
        {
            File.WriteAllLines(Path.Combine(aside.Content, MissingName), absent);
            progress?.Report(new WorkProgress($"{source.Name} without {string.Join(", ", absent)}, which this release of Debian lacks", 1, 1));
        }
        ClipManifest.Write(Path.Combine(aside.Content, ManifestName), RemoveCopies(clips, aside.Content));
        aside.MoveTo(folder);
    }

    /// <summary>Makes way for a source's folder where that costs nobody anything. One of ours would have its manifest, which comes with the clips.</summary>
    private static void RequireFree(string folder)
    {
        if (Path.Exists(folder) && (File.Exists(folder) || Directory.EnumerateFileSystemEntries(folder).Any()))
            throw new UserErrorException($"{folder} has no {ManifestName} and so is no audio that was assembled here; move it away, or name another `root`");
        if (Directory.Exists(folder))
            Directory.Delete(folder);
    }

    private IReadOnlyList<ManifestClip> Decode(
        IClipSource source, IReadOnlyList<Recording> recordings, IReadOnlyDictionary<string, DebianPackage> opened, string folder, CancellationToken cancellation)
    {
        ManifestClip[][] decoded = new ManifestClip[recordings.Count][];
        ConcurrentBag<string> unreadable = [];
        int done = 0;
        try
        {
            // More at a time than there are cores: most of the time goes by waiting for the disk and for fluidsynth.
            Parallel.For(0, recordings.Count, new ParallelOptions { MaxDegreeOfParallelism = 4 * Environment.ProcessorCount, CancellationToken = cancellation }, index =>
            {
                try
                {
                    decoded[index] = [.. recordings[index]().Select(clip => Store(clip, opened[clip.Package].Version, folder)).OfType<ManifestClip>()];
                }
                catch (UnreadableAudioException problem)
                {
                    decoded[index] = [];
                    unreadable.Add(problem.Message);
                }
                progress?.Report(new WorkProgress($"decode {source.Name}", Interlocked.Increment(ref done), recordings.Count));
            });
        }
        catch (AggregateException problems)
        {
            cancellation.ThrowIfCancellationRequested();
            ExceptionDispatchInfo.Throw(problems.InnerExceptions[0]);   // the first says it all: the others are the same full disk or missing program
        }
        if (unreadable.Count == recordings.Count)
            throw new UserErrorException($"none of the {recordings.Count} recordings of {string.Join(", ", source.Packages)} can be read ({unreadable.FirstOrDefault()}); delete the packages' folders from the cache and try again");
        if (!unreadable.IsEmpty)
            File.WriteAllLines(Path.Combine(folder, UnreadableName), unreadable.Order(StringComparer.Ordinal));
        return [.. decoded.SelectMany(clips => clips)];
    }

    /// <summary>Writes a clip as 16-bit FLAC; null for one that is silent.</summary>
    private static ManifestClip? Store(SourceClip clip, string version, string folder)
    {
        short[] samples = [.. clip.Samples.Select(sample => (short)Math.Clamp(MathF.Round(sample * 32768), short.MinValue, short.MaxValue))];
        if (!samples.Any(sample => sample is >= SilencePeak or <= -SilencePeak))
            return null;
        samples = samples[..(Array.FindLastIndex(samples, sample => sample is >= TailPeak or <= -TailPeak) + 1)];
        byte[] bytes = new byte[2 * samples.Length];
        for (int i = 0; i < samples.Length; i++)
            BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(2 * i), samples[i]);
        string fileName = clip.Name + ".flac", path = Path.Combine(folder, fileName);
        if (File.Exists(path))
            throw new InvalidOperationException($"two clips are called {clip.Name}");
        AudioFile.WriteFlac(path, samples.Select(sample => sample / 32768f).ToArray(), SampleRate);
        return new ManifestClip(fileName, Convert.ToHexStringLower(SHA256.HashData(bytes)), (double)samples.Length / SampleRate, clip.Package, version, clip.Licence, clip.Tags);
    }

    private static IReadOnlyList<ManifestClip> RemoveCopies(IReadOnlyList<ManifestClip> clips, string folder)
    {
        HashSet<string> seen = [];
        List<ManifestClip> kept = [];
        foreach (ManifestClip clip in clips)
        {
            if (seen.Add(clip.Sha256))
                kept.Add(clip);
            else
                File.Delete(Path.Combine(folder, clip.FileName));
        }
        return kept;
    }
}
