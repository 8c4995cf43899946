using OtoMask.Data;

namespace OtoMask.Corpora;

/// <summary>
/// Assembles labelled tasks of real audio from Debian packages into a folder (docs/evaluation.md section 4): decoded clips are kept,
/// so a second call, or another task of the same source, costs nothing.
/// </summary>
internal sealed class TaskAssembler
{
    private const ulong SplitSeed = 0;

    private readonly DebianPackages packages;
    private readonly ClipLibrary library;

    /// <summary>Assembles into a folder.</summary>
    /// <exception cref="UserErrorException">The folder's name is empty.</exception>
    /// <param name="root">Where tasks and clips go; <see cref="DefaultRoot"/> unless the user names another. Made when missing.</param>
    /// <param name="progress">Told about downloads and decoding, from any thread; or null.</param>
    public TaskAssembler(string? root = null, IProgress<WorkProgress>? progress = null)
        : this(Named(root ?? DefaultRoot), new DebianPackages(Path.Combine(root ?? DefaultRoot, "packages"), progress), progress)
    {
    }

    internal TaskAssembler(string root, DebianPackages packages, IProgress<WorkProgress>? progress) =>
        (this.packages, library) = (packages, new ClipLibrary(root, packages, progress));

    /// <summary>The user's cache folder: <c>$XDG_CACHE_HOME/otomask</c>, by default <c>~/.cache/otomask</c>.</summary>
    public static string DefaultRoot =>
        Path.Combine(
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
                ? cache
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache"),
            "otomask");

    /// <summary>What assembling <paramref name="tasks"/>, and <paramref name="pools"/> if there are any, would cost now.</summary>
    /// <exception cref="UserErrorException">apt is missing, or knows no such package.</exception>
    public FetchCost Cost(IReadOnlyList<TaskRecipe> tasks, IReadOnlyList<PoolRecipe>? pools = null, CancellationToken cancellation = default) =>
        library.Cost([.. tasks.SelectMany(task => task.Sources), .. (pools ?? []).SelectMany(pool => pool.Sources)], cancellation);

    /// <summary>The version of a package that clips are, or would now be, made of; null where it is not to be had.</summary>
    /// <exception cref="UserErrorException">It is not here, and apt is missing or fails.</exception>
    public string? VersionOf(string package, CancellationToken cancellation = default) => packages.VersionOf(package, cancellation);

    /// <summary>The task where it is assembled already, else null.</summary>
    /// <exception cref="UserErrorException">The manifest of its clips has been edited.</exception>
    public AssembledTask? Find(TaskRecipe recipe) =>
        File.Exists(PathOf(recipe.Name) + ".csv") && library.Holds(recipe.Sources) ? Describe(recipe, CancellationToken.None) : null;

    /// <summary>The pool where it is assembled already, else null.</summary>
    /// <exception cref="UserErrorException">The manifest of its clips has been edited.</exception>
    public AssembledPool? FindPool(PoolRecipe pool) =>
        File.Exists(PathOf(pool.FileName) + ".csv") && library.Holds(pool.Sources)
            ? DescribePool([.. pool.Tasks.Select(task => Describe(task, CancellationToken.None))], pool.Breadth, CancellationToken.None)
            : null;

    /// <summary>Makes the task's CSV, its summary, and the clips if they are not there yet.</summary>
    /// <exception cref="UserErrorException">A package is not to be had, or holds too little for any class; the message says what to do.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public AssembledTask Assemble(TaskRecipe recipe, CancellationToken cancellation = default)
    {
        RequireOwn(recipe.Name);
        AssembledTask task = Describe(recipe, cancellation);
        if (task.Clips.Count == 0)
            throw new UserErrorException($"task {recipe.Name}: no class has clips in both train and test; delete the folders of {string.Join(", ", recipe.Packages)} in {library.Root} if they are damaged copies, and try again");
        AssemblySummary.Write(task);
        TableFile.Write(task.CsvPath, ["file_name", "label", "split", "group"], task.Clips.Select(clip => new[] { clip.FileName, clip.Label, clip.SplitName, clip.Group }));
        return task;
    }

    /// <summary>
    /// Lists unlabelled audio to pre-train on: everything that may be heard without hearing a test clip of
    /// <paramref name="tasks"/>, nor a clip of a group tested on. See <see cref="PretrainingPool"/>.
    /// </summary>
    /// <param name="tasks">The tasks that will be scored; any of them.</param>
    /// <param name="breadth">Which audio besides theirs goes in.</param>
    /// <param name="cancellation">Stops the downloads and the decoding.</param>
    /// <exception cref="UserErrorException">A package is not to be had; the message says what to do.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public AssembledPool AssemblePretrainingPool(
        IReadOnlyList<AssembledTask> tasks,
        PoolBreadth breadth = PoolBreadth.SamePackages,
        CancellationToken cancellation = default)
    {
        RequireOwn(new PoolRecipe([.. tasks.Select(task => task.Recipe)], breadth).FileName);
        AssembledPool pool = DescribePool(tasks, breadth, cancellation);
        AssemblySummary.Write(pool);
        TableFile.Write(pool.CsvPath, ["file_name"], pool.Clips.Select(clip => new[] { clip.FileName }));
        return pool;
    }

    private static string Named(string root) =>
        string.IsNullOrWhiteSpace(root) ? throw new UserErrorException("the name of the data folder is empty; give one") : root;

    private void RequireOwn(string table) => AssemblySummary.RequireOwn(PathOf(table) + ".csv", PathOf(table) + ".json");

    private string PathOf(string name) => Path.Combine(library.Root, name);

    private AssembledTask Describe(TaskRecipe recipe, CancellationToken cancellation) =>
        new(recipe, PathOf(recipe.Name) + ".csv", PathOf(recipe.Name) + ".json", Split(recipe, cancellation));

    private AssembledPool DescribePool(IReadOnlyList<AssembledTask> tasks, PoolBreadth breadth, CancellationToken cancellation)
    {
        TaskRecipe[] recipes = [.. tasks.Select(task => task.Recipe)];
        string path = PathOf(new PoolRecipe(recipes, breadth).FileName);
        return new AssembledPool(recipes, path + ".csv", path + ".json", PretrainingPool.Choose(tasks, breadth, source => library.Provide(source, cancellation)));
    }

    private IReadOnlyList<TaskClip> Split(TaskRecipe recipe, CancellationToken cancellation)
    {
        HashSet<string> contents = [];   // a sound that several sources hold counts once, for the first
        (string FileName, ManifestClip Clip, string Label, string Group)[] labelled =
        [
            .. from source in recipe.Sources
               from clip in library.Provide(source, cancellation)
               where contents.Add(clip.Sha256)
               let label = recipe.Label(clip)
               where label is not null
               select ($"{source.Name}/{clip.FileName}", clip, label, recipe.Group(clip)),
        ];
        bool[] isTest = recipe.IsTest is null
            ? GroupedSplit.Draw([.. labelled.Select(item => (item.Label, item.Group))], recipe.TestShare, SplitSeed)
            : [.. labelled.Select(item => recipe.IsTest(item.Clip))];
        TaskClip[] clips = [.. labelled.Select((item, i) => new TaskClip(item.FileName, item.Label, isTest[i], item.Group, item.Clip))];

        // A class that one side lacks can be neither learned nor scored.
        HashSet<string> complete = [.. clips.GroupBy(clip => clip.Label).Where(label => label.Select(clip => clip.IsTest).Distinct().Count() == 2).Select(label => label.Key)];
        return [.. clips.Where(clip => complete.Contains(clip.Label))];
    }
}
