using System.Text.Encodings.Web;
using System.Text.Json;

namespace OtoMask.Corpora;

/// <summary>
/// Assembles labelled tasks of real audio from Debian packages into a folder (EVALUATION section 4): decoded clips are kept,
/// so a second call, or another task of the same source, costs nothing.
/// </summary>
public sealed class TaskAssembler
{
    private const ulong SplitSeed = 0;
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ClipLibrary library;

    /// <summary>Assembles into a folder.</summary>
    /// <param name="root">Where tasks and clips go; <see cref="DefaultRoot"/> unless the user names another. Made when missing.</param>
    /// <param name="progress">Told about downloads and decoding, from any thread; or null.</param>
    public TaskAssembler(string? root = null, IProgress<AssemblyProgress>? progress = null)
        : this(root ?? DefaultRoot, new DebianPackages(Path.Combine(root ?? DefaultRoot, "packages"), progress), progress)
    {
    }

    internal TaskAssembler(string root, DebianPackages packages, IProgress<AssemblyProgress>? progress) => library = new ClipLibrary(root, packages, progress);

    /// <summary>The user's cache folder: <c>$XDG_CACHE_HOME/otomask</c>, by default <c>~/.cache/otomask</c>.</summary>
    public static string DefaultRoot =>
        Path.Combine(
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
                ? cache
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
            "otomask");

    /// <summary>Bytes of packages that assembling <paramref name="tasks"/> (and their pre-training pool, if wanted) would download now.</summary>
    /// <exception cref="UserErrorException">apt is missing, or knows no such package.</exception>
    public long DownloadBytes(IEnumerable<TaskRecipe> tasks, bool withPretrainingPool = false)
    {
        IEnumerable<IClipSource> sources = tasks.Select(task => task.Source);
        return library.Cost(withPretrainingPool ? sources.Append(PretrainingPool.Extra) : sources).DownloadBytes;
    }

    /// <summary>Makes the task's CSV, its summary, and the clips if they are not there yet.</summary>
    /// <exception cref="UserErrorException">A package is not to be had; the message says what to do.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public AssembledTask Assemble(TaskRecipe recipe)
    {
        IReadOnlyList<TaskClip> clips = Split(recipe, library.Provide(recipe.Source));
        AssembledTask task = new(recipe, Path.Combine(library.Root, recipe.Name + ".csv"), Path.Combine(library.Root, recipe.Name + ".json"), clips);
        TableFile.Write(task.CsvPath, ["file_name", "label", "split", "group"], clips.Select(clip => new[] { clip.FileName, clip.Label, clip.SplitName, clip.Group }));
        AtomicFile.Write(task.SummaryPath, stream => JsonSerializer.Serialize(stream, Summarise(task), Json));
        return task;
    }

    /// <summary>
    /// Lists unlabelled audio to pre-train on: everything that may be heard without hearing a test clip of
    /// <paramref name="tasks"/>. See <see cref="PretrainingPool"/>.
    /// </summary>
    /// <returns>A CSV with the column <c>file_name</c>.</returns>
    /// <exception cref="UserErrorException">A package is not to be had; the message says what to do.</exception>
    public string AssemblePretrainingPool(IReadOnlyList<AssembledTask> tasks)
    {
        IReadOnlyList<string> files = PretrainingPool.Choose(tasks, source => library.Provide(source));
        string path = Path.Combine(library.Root, $"pool-{string.Join('+', tasks.Select(task => task.Recipe.Name))}.csv");
        TableFile.Write(path, ["file_name"], files.Select(file => new[] { file }));
        return path;
    }

    private static IReadOnlyList<TaskClip> Split(TaskRecipe recipe, IReadOnlyList<ManifestClip> manifest)
    {
        (ManifestClip Clip, string Label, string Group)[] labelled =
        [
            .. from clip in manifest
               let label = recipe.Label(clip)
               where label is not null
               select (clip, label, recipe.Group(clip)),
        ];
        bool[] isTest = recipe.IsTest is null
            ? GroupedSplit.Draw([.. labelled.Select(item => (item.Label, item.Group))], recipe.TestShare, SplitSeed)
            : [.. labelled.Select(item => recipe.IsTest(item.Clip))];
        TaskClip[] clips = [.. labelled.Select((item, i) => new TaskClip($"{recipe.Source.Name}/{item.Clip.FileName}", item.Label, isTest[i], item.Group, item.Clip))];

        // A class that one side lacks can be neither learned nor scored.
        HashSet<string> complete = [.. clips.GroupBy(clip => clip.Label).Where(label => label.Select(clip => clip.IsTest).Distinct().Count() == 2).Select(label => label.Key)];
        return [.. clips.Where(clip => complete.Contains(clip.Label))];
    }

    private static object Summarise(AssembledTask task) => new
    {
        task = task.Recipe.Name,
        family = task.Recipe.Family,
        summary = task.Recipe.Summary,
        clips = task.Clips.Count,
        seconds = Math.Round(task.Clips.Sum(clip => clip.Origin.Seconds), 1),
        medianSeconds = Math.Round(task.Clips.Select(clip => clip.Origin.Seconds).Order().ElementAt(task.Clips.Count / 2), 3),
        contentHash = task.ContentHash,
        packages = task.Clips.Select(clip => clip.Origin)
            .GroupBy(clip => (clip.Package, clip.Version, clip.Licence))
            .Select(source => new { package = source.Key.Package, version = source.Key.Version, licence = source.Key.Licence, clips = source.Count() }),
        labels = task.Clips.GroupBy(clip => clip.Label)
            .OrderBy(label => label.Key, StringComparer.Ordinal)
            .Select(label => new { label = label.Key, train = label.Count(clip => !clip.IsTest), test = label.Count(clip => clip.IsTest) }),
    };
}
