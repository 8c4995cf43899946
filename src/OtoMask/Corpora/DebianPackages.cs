using System.Globalization;

namespace OtoMask.Corpora;

/// <summary>A package whose files can be read.</summary>
/// <param name="Name">For example <c>gcin-voice</c>.</param>
/// <param name="Version">Debian version, part of what a score was measured on.</param>
/// <param name="Root">Folder that stands for <c>/</c>: the cache's copy, or <c>/</c> itself where the package is installed.</param>
internal sealed record DebianPackage(string Name, string Version, string Root)
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
/// <param name="cacheFolder">Where packages are unpacked, one folder <c>NAME_VERSION</c> each; one process at a time may write to it.</param>
/// <param name="progress">Told of megabytes downloaded and of unpacking, or null.</param>
internal sealed class DebianPackages(string cacheFolder, IProgress<WorkProgress>? progress = null)
{
    private const int ReportMilliseconds = 250;
    private readonly Dictionary<string, PackageOffer> offers = [];

    /// <summary>What is still to download and unpack for <paramref name="names"/>: nothing for what is unpacked or installed already.</summary>
    /// <exception cref="UserErrorException">apt is missing, or knows no such package.</exception>
    public FetchCost Cost(IReadOnlyCollection<string> names, CancellationToken cancellation = default)
    {
        IReadOnlyList<PackageOffer> missing = Offers([.. names.Where(name => FindLocal(name, cancellation) is null)], cancellation);
        return new FetchCost(
            missing.Sum(offer => offer.DownloadBytes),
            missing.Sum(offer => offer.InstalledBytes) + missing.Select(offer => offer.DownloadBytes).DefaultIfEmpty().Max());
    }

    /// <summary>The version of a package that is here, or else that apt would download; null where it is not here and apt knows no such package.</summary>
    /// <exception cref="UserErrorException">It is not here, and apt is missing or fails.</exception>
    public string? VersionOf(string name, CancellationToken cancellation = default)
    {
        if (FindLocal(name, cancellation) is { } here)
            return here.Version;
        Ask([name], cancellation);
        return offers.GetValueOrDefault(name)?.Version;
    }

    /// <summary>The packages' files, from the cache, this system, or a fresh download, in this order.</summary>
    /// <exception cref="UserErrorException">apt is missing, knows no such package, or cannot reach its server.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public IReadOnlyDictionary<string, DebianPackage> Provide(IReadOnlyCollection<string> names, CancellationToken cancellation = default)
    {
        UnfinishedFolder.Sweep(cacheFolder);
        return names.ToDictionary(name => name, name => FindLocal(name, cancellation) ?? Download(name, cancellation));
    }

    /// <summary>
    /// The packages that installing <paramref name="name"/> would add to this system (itself and missing dependencies,
    /// without recommended ones), by apt's own simulation; empty when it is installed.
    /// </summary>
    /// <exception cref="UserErrorException">apt is missing or knows no such package.</exception>
    public static IReadOnlyList<string> MissingFor(string name, CancellationToken cancellation = default)
    {
        ProgramResult simulation = Apt("apt-get", ["-s", "install", "--no-install-recommends", name], name, cancellation: cancellation);
        return [.. simulation.Output.Split('\n').Where(line => line.StartsWith("Inst ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
    }

    private DebianPackage? FindLocal(string name, CancellationToken cancellation)
    {
        if (Directory.Exists(cacheFolder))
        {
            string? folder = Directory.EnumerateDirectories(cacheFolder, name + "_*").Order(StringComparer.Ordinal).LastOrDefault();
            if (folder is not null)
                return new DebianPackage(name, Path.GetFileName(folder)[(name.Length + 1)..], folder);
        }
        ProgramResult? query = ExternalProgram.TryRun("dpkg-query", ["-W", "-f=${db:Status-Abbrev}\t${Version}", name], cancellation: cancellation);
        return query is { ExitCode: 0 } && query.Output.Split('\t') is [['i', 'i', ..], string version]
            ? new DebianPackage(name, version, "/")
            : null;
    }

    private DebianPackage Download(string name, CancellationToken cancellation)
    {
        PackageOffer offer = Offers([name], cancellation)[0];
        Directory.CreateDirectory(cacheFolder);
        // Downloaded and unpacked aside, on the same disk, and renamed when whole: a folder NAME_VERSION is always complete.
        using var aside = new UnfinishedFolder(cacheFolder, name);
        RequireSpace(offer);
        string archive = DownloadInto(aside.Path, offer, cancellation);
        progress?.Report(new WorkProgress($"unpack {name}", 0, 1));
        Dpkg(["-x", archive, aside.Content], name, cancellation);
        string folder = Path.Combine(cacheFolder, $"{name}_{offer.Version}");
        aside.MoveTo(folder);
        progress?.Report(new WorkProgress($"unpack {name}", 1, 1));
        return new DebianPackage(name, offer.Version, folder);
    }

    /// <summary>Has apt download a package, telling meanwhile how far its file has grown.</summary>
    /// <returns>The package's file.</returns>
    private string DownloadInto(string folder, PackageOffer offer, CancellationToken cancellation)
    {
        Task download = Task.Run(() => Apt("apt-get", ["-q", "download", $"{offer.Name}={offer.Version}"], offer.Name, folder, cancellation), CancellationToken.None);
        while (Task.WaitAny([download], ReportMilliseconds) < 0)
            Report();
        download.GetAwaiter().GetResult();
        Report();
        return Directory.GetFiles(folder, "*.deb").Single();

        void Report() => progress?.Report(new WorkProgress(
            $"download {offer.Name} (MB)",
            RoundMegabytes(Directory.EnumerateFiles(folder, "*.deb").Sum(file => new FileInfo(file).Length)),
            RoundMegabytes(offer.DownloadBytes)));
    }

    private void RequireSpace(PackageOffer offer)
    {
        long free = new DriveInfo(Path.GetFullPath(cacheFolder)).AvailableFreeSpace;
        if (free < offer.DownloadBytes + offer.InstalledBytes)
            throw new IOException($"{cacheFolder} has {Megabytes(free)} MB free and package {offer.Name} needs {Megabytes(offer.DownloadBytes + offer.InstalledBytes)}; free some space or name another folder");
    }

    /// <summary>What apt has under each name.</summary>
    private IReadOnlyList<PackageOffer> Offers(IReadOnlyCollection<string> names, CancellationToken cancellation)
    {
        Ask(names, cancellation);
        return [.. names.Select(name => offers.GetValueOrDefault(name) ?? throw Unknown(name))];
    }

    /// <summary>Asks apt for what it has under each name, once, and keeps it.</summary>
    private void Ask(IReadOnlyCollection<string> names, CancellationToken cancellation)
    {
        string[] unasked = [.. names.Where(name => !offers.ContainsKey(name))];
        if (unasked.Length == 0 || TryApt("apt-cache", ["show", "--no-all-versions", .. unasked], unasked[0], cancellation: cancellation) is not { } shown)
            return;
        foreach (PackageOffer offer in shown.Output.Split("\n\n").Select(PackageOffer.Parse).OfType<PackageOffer>())
            offers.TryAdd(offer.Name, offer);
    }

    private static ProgramResult Apt(string program, string[] arguments, string package, string? folder = null, CancellationToken cancellation = default) =>
        TryApt(program, arguments, package, folder, cancellation) ?? throw Unknown(package);

    /// <summary>Null where apt knows no such package.</summary>
    private static ProgramResult? TryApt(string program, string[] arguments, string package, string? folder = null, CancellationToken cancellation = default)
    {
        ProgramResult result = ExternalProgram.TryRun(program, arguments, folder, cancellation: cancellation)
            ?? throw new UserErrorException($"{program} is not on this machine, and package {package} comes through it; run on Debian or Ubuntu, or bring your own audio");
        if (result.ExitCode == 0)
            return result;
        if (result.Errors.Contains("Unable to locate package", StringComparison.Ordinal)
            || result.Errors.Contains("No packages found", StringComparison.Ordinal)
            || result.Errors.Contains("no installation candidate", StringComparison.Ordinal))
        {
            return null;
        }
        throw IsDiskFull(result)
            ? DiskFull($"downloading package {package}")
            : new UserErrorException($"package {package} could not be downloaded ({result.LastError}); check the network, run 'sudo apt-get update' and try again");
    }

    private static void Dpkg(string[] arguments, string package, CancellationToken cancellation)
    {
        ProgramResult result = ExternalProgram.TryRun("dpkg-deb", arguments, cancellation: cancellation)
            ?? throw new UserErrorException($"dpkg-deb is not on this machine, and package {package} is unpacked with it; run on Debian or Ubuntu");
        if (result.ExitCode != 0)
            throw IsDiskFull(result) ? DiskFull($"unpacking package {package}") : new IOException($"package {package} could not be unpacked ({result.LastError}); try again");
    }

    private static UserErrorException Unknown(string package) => new($"apt knows no package {package}; run 'sudo apt-get update' and try again");

    private static IOException DiskFull(string doing) => new($"the disk is full while {doing}; free some space and try again");

    private static bool IsDiskFull(ProgramResult result) => result.Errors.Contains("No space left", StringComparison.Ordinal);

    private static int RoundMegabytes(long bytes) => (int)Math.Round(bytes / 1e6);

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture);

    /// <summary>What apt would download.</summary>
    private sealed record PackageOffer(string Name, string Version, long DownloadBytes, long InstalledBytes)
    {
        /// <summary>Reads a paragraph of <c>apt-cache show</c>; null for one that is no package.</summary>
        public static PackageOffer? Parse(string paragraph)
        {
            Dictionary<string, string> fields = [];
            foreach (string line in paragraph.Split('\n'))
            {
                if (line.Split(": ", 2) is [string key, string value])
                    fields.TryAdd(key, value);
            }
            return fields.TryGetValue("Package", out string? name) && fields.TryGetValue("Version", out string? version)
                ? new PackageOffer(name, version, Number("Size"), 1024 * Number("Installed-Size"))
                : null;

            long Number(string key) => long.TryParse(fields.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : 0;
        }
    }
}
