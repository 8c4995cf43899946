using System.Globalization;

namespace OtoMask.Corpora;

/// <summary>A package whose files can be read.</summary>
/// <param name="Name">For example <c>gcin-voice</c>.</param>
/// <param name="Version">Debian version, part of what a score was measured on.</param>
/// <param name="Root">Folder that stands for <c>/</c>: the cache's copy, or <c>/</c> itself where the package is installed.</param>
public sealed record DebianPackage(string Name, string Version, string Root)
{
    /// <summary>The path of a file or folder of the package, given from its root (<c>usr/share/...</c>).</summary>
    /// <exception cref="UserErrorException">The package holds no such file: another release of it, or a damaged copy.</exception>
    public string Find(string relativePath)
    {
        string path = Path.Combine(Root, relativePath);
        return Path.Exists(path)
            ? path
            : throw new UserErrorException($"package {Name} {Version} holds no {relativePath} (looked in {Root}); delete {Root} if it is a damaged copy, and try again");
    }
}

/// <summary>
/// Debian packages as sources of audio: downloaded with <c>apt-get download</c> and unpacked into a cache folder, so that
/// neither root nor an installation is needed.
/// </summary>
/// <param name="cacheFolder">Where packages are unpacked, one folder <c>NAME_VERSION</c> each.</param>
/// <param name="progress">Told before each download and at the end, or null.</param>
public sealed class DebianPackages(string cacheFolder, IProgress<AssemblyProgress>? progress = null)
{
    /// <summary>The bytes still to download for <paramref name="names"/>: 0 for what is unpacked or installed already.</summary>
    /// <exception cref="UserErrorException">apt is missing, or knows no such package.</exception>
    public long DownloadBytes(IEnumerable<string> names) => names.Where(name => FindLocal(name) is null).Sum(name => Describe(name).Download);

    /// <summary>The packages' files, from the cache, this system, or a fresh download, in this order.</summary>
    /// <exception cref="UserErrorException">apt is missing, knows no such package, or cannot reach its server.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public IReadOnlyDictionary<string, DebianPackage> Provide(IReadOnlyCollection<string> names)
    {
        Dictionary<string, DebianPackage> packages = [];
        foreach (string name in names)
        {
            DebianPackage? package = FindLocal(name);
            if (package is null)
            {
                progress?.Report(new AssemblyProgress($"download {name}", packages.Count, names.Count));
                package = Download(name);
            }
            packages.Add(name, package);
        }
        progress?.Report(new AssemblyProgress("packages", names.Count, names.Count));
        return packages;
    }

    /// <summary>
    /// The packages that installing <paramref name="name"/> would add to this system (itself and missing dependencies,
    /// without recommended ones), by apt's own simulation; empty when it is installed.
    /// </summary>
    /// <exception cref="UserErrorException">apt is missing or knows no such package.</exception>
    public static IReadOnlyList<string> MissingFor(string name)
    {
        ProgramResult simulation = Apt("apt-get", ["-s", "install", "--no-install-recommends", name], name);
        return [.. simulation.Output.Split('\n').Where(line => line.StartsWith("Inst ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
    }

    private DebianPackage? FindLocal(string name)
    {
        if (Directory.Exists(cacheFolder))
        {
            string? folder = Directory.EnumerateDirectories(cacheFolder, name + "_*").Order(StringComparer.Ordinal).LastOrDefault();
            if (folder is not null)
                return new DebianPackage(name, Path.GetFileName(folder)[(name.Length + 1)..], folder);
        }
        ProgramResult? query = ExternalProgram.TryRun("dpkg-query", ["-W", "-f=${db:Status-Abbrev}\t${Version}", name]);
        return query is { ExitCode: 0 } && query.Output.Split('\t') is [['i', 'i', ..], string version]
            ? new DebianPackage(name, version, "/")
            : null;
    }

    private DebianPackage Download(string name)
    {
        (long download, long installed) = Describe(name);
        Directory.CreateDirectory(cacheFolder);
        long free = new DriveInfo(Path.GetFullPath(cacheFolder)).AvailableFreeSpace;
        if (free < download + installed)
            throw new IOException($"{cacheFolder} has {Megabytes(free)} MB free and package {name} needs {Megabytes(download + installed)}; free some space or name another cache folder");

        // Unpacked under a temporary name and renamed when whole: a folder NAME_VERSION is always complete.
        string scratch = Directory.CreateTempSubdirectory("otomask-").FullName;
        string unpacked = Path.Combine(cacheFolder, $".{name}.{Path.GetFileName(scratch)}");
        try
        {
            Apt("apt-get", ["-q", "download", name], name, scratch);
            string archive = Directory.GetFiles(scratch, "*.deb").Single();
            string version = Dpkg(["-f", archive, "Version"], name).Output.Trim();
            Dpkg(["-x", archive, unpacked], name);
            string folder = Path.Combine(cacheFolder, $"{name}_{version}");
            Directory.Move(unpacked, folder);
            return new DebianPackage(name, version, folder);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
            if (Directory.Exists(unpacked))
                Directory.Delete(unpacked, recursive: true);
        }
    }

    private static (long Download, long Installed) Describe(string name)
    {
        ProgramResult shown = Apt("apt-cache", ["show", "--no-all-versions", name], name);
        return (Field("Size"), 1024 * Field("Installed-Size"));

        long Field(string key) =>
            shown.Output.Split('\n').FirstOrDefault(line => line.StartsWith(key + ":", StringComparison.Ordinal)) is string line
            && long.TryParse(line[(key.Length + 1)..], NumberStyles.Integer, CultureInfo.InvariantCulture, out long value)
                ? value
                : 0;
    }

    private static ProgramResult Apt(string program, string[] arguments, string package, string? folder = null)
    {
        ProgramResult result = ExternalProgram.TryRun(program, arguments, folder)
            ?? throw new UserErrorException($"{program} is not on this machine, and package {package} comes through it; run on Debian or Ubuntu, or bring your own audio");
        if (result.ExitCode == 0)
            return result;
        if (result.Errors.Contains("Unable to locate package", StringComparison.Ordinal)
            || result.Errors.Contains("No packages found", StringComparison.Ordinal)
            || result.Errors.Contains("no installation candidate", StringComparison.Ordinal))
        {
            throw new UserErrorException($"apt knows no package {package}; run 'sudo apt-get update' and try again");
        }
        throw result.Errors.Contains("No space left", StringComparison.Ordinal)
            ? new IOException($"the disk is full while downloading package {package}; free some space and try again")
            : new UserErrorException($"package {package} could not be downloaded ({result.LastError}); check the network, run 'sudo apt-get update' and try again");
    }

    private static ProgramResult Dpkg(string[] arguments, string package)
    {
        ProgramResult result = ExternalProgram.TryRun("dpkg-deb", arguments)
            ?? throw new UserErrorException($"dpkg-deb is not on this machine, and package {package} is unpacked with it; run on Debian or Ubuntu");
        return result.ExitCode == 0
            ? result
            : throw new IOException($"package {package} could not be unpacked ({result.LastError}); is the disk full?");
    }

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture);
}
