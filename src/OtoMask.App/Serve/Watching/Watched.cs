using System.Text.Json;
using OtoMask.Configuration;
using OtoMask.FineTuning;
using OtoMask.Runs;
using OtoMask.Studies;

namespace OtoMask.App.Serve.Watching;

/// <summary>How it stands with a run.</summary>
internal enum RunState
{
    /// <summary>A process trains.</summary>
    Running,

    /// <summary>It was stopped, with a checkpoint to go on from.</summary>
    Stopped,

    /// <summary>It has done all its steps.</summary>
    Done,

    /// <summary>Loss or gradient was not finite until the end.</summary>
    Diverged,

    /// <summary>Its process ended without a word.</summary>
    Dead,
}

/// <summary>A line of the list of runs; null where there is nothing to tell.</summary>
/// <param name="Id">Path below the folder that is served, with forward slashes.</param>
/// <param name="Kind"><c>pre-training</c>, <c>fine-tuning</c> or <c>study</c>.</param>
/// <param name="State">How it stands.</param>
/// <param name="What">Framework, size and strategy, or why the folder cannot be read.</param>
/// <param name="Done">Steps done; of a study scores.</param>
/// <param name="All">Steps in all; of a study scores.</param>
/// <param name="SecondsLeft">While it trains.</param>
/// <param name="Speed">Clips a second of the last step.</param>
/// <param name="Loss">Of the last step.</param>
/// <param name="Hint">Hint ratio of the last step.</param>
/// <param name="RankMe">The last one.</param>
/// <param name="Knn">Mean of the last k-NN accuracies, in per cent.</param>
/// <param name="Changed">When something was last written, in seconds since 1970.</param>
/// <param name="HasReport">Whether it has a page of its own.</param>
/// <param name="Name">What people call it: its id, or, where it is the folder that is served, that folder's name.</param>
internal sealed record RunLine(
    string Id, string Kind, RunState State, string What, long? Done = null, long? All = null, double? SecondsLeft = null, double? Speed = null,
    double? Loss = null, double? Hint = null, double? RankMe = null, double? Knn = null, long Changed = 0, bool HasReport = false, string Name = "");

/// <summary>A folder that is watched.</summary>
/// <param name="id">Its path below the folder that is served.</param>
/// <param name="path">The folder.</param>
internal abstract class Watched(string id, string path)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };
    private readonly string name = id == "." ? System.IO.Path.GetFileName(path) : id;
    private bool wasTheSame;
    private long written;

    /// <summary>Its path below the folder that is served.</summary>
    public string Id { get; } = id;

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>What the list says of it, as of the last look.</summary>
    public RunLine Line { get; private set; } = new(id, "", RunState.Stopped, "");

    /// <summary>Names of the files that a page may show or save, there or not.</summary>
    public abstract IReadOnlyList<string> Files { get; }

    /// <summary>Whether nothing has been written since a look that found nothing new, and nobody trains: it need not be looked at every time.</summary>
    public bool IsQuiet => wasTheSame && Line.State != RunState.Running && Written() == written;

    /// <summary>Whether a long log has more to be read.</summary>
    public bool HasMore { get; protected set; }

    /// <summary>Looks again.</summary>
    /// <param name="budget">Bytes of a log to read at most.</param>
    /// <returns>Whether the line is otherwise than before.</returns>
    public bool Look(int budget)
    {
        RunLine line;
        written = Written();
        try
        {
            line = Tell(budget) with { Name = name, Changed = written / TimeSpan.TicksPerSecond - DateTimeOffset.UnixEpoch.Ticks / TimeSpan.TicksPerSecond };
        }
        catch (Exception error) when (error is UserErrorException or IOException or UnauthorizedAccessException)
        {
            line = Line with { What = OneLine.Of(error.Message) }; // somebody else's folder, or one that goes away right now
        }
        bool isNew = line != Line;
        Line = line;
        wasTheSame = !isNew && !HasMore;
        return isNew;
    }

    /// <summary>What there is to tell now, but for when it was written; says whether a log <see cref="HasMore"/>.</summary>
    /// <param name="budget">Bytes of a log to read at most.</param>
    protected abstract RunLine Tell(int budget);

    /// <summary>The files whose writing tells that there is something new.</summary>
    protected abstract IReadOnlyList<string> Telling { get; }

    /// <summary>When a file was last written, in ticks; 0 where it is not there.</summary>
    protected static long TicksAt(string file) => new FileInfo(file) is { Exists: true } info ? info.LastWriteTimeUtc.Ticks : 0;

    private long Written() => Telling.Max(TicksAt);

    /// <summary>A number of a JSON file, or null.</summary>
    protected static long? NumberIn(string file, string name)
    {
        const int Longest = 1 << 20;
        if (!File.Exists(file))
            return null;
        try
        {
            using JsonDocument json = JsonDocument.Parse(InputFile.ReadText(file, Longest), Strict);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(name, out JsonElement value) && value.TryGetInt64(out long number) ? number : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}

/// <summary>A run: a pre-training or a fine-tuning.</summary>
internal sealed class WatchedRun(string id, string path) : Watched(id, path)
{
    private readonly RunFolder folder = new(path);
    private readonly LogGlance glance = new(new RunFolder(path).Log);
    private long readAt;
    private string kind = "", what = "";
    private long? steps;
    private int epochs, clipsOfStep = 1, followers;

    /// <summary>The run's folder.</summary>
    public RunFolder Folder => folder;

    /// <summary>Whether it is a fine-tuning.</summary>
    public bool IsFineTuning => kind == "fine-tuning";

    /// <summary>Its curves, while anybody looks at them.</summary>
    public RunCurves? Curves { get; private set; }

    /// <summary>One more looks at its curves.</summary>
    public RunCurves Join()
    {
        followers++;
        return Curves ??= new RunCurves(folder.Log);
    }

    /// <summary>One less does.</summary>
    public void Leave()
    {
        if (followers > 0 && --followers == 0)
            Curves = null;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Files => [.. ((string[])[folder.Report, folder.Config, folder.Log, folder.Metrics, folder.BadFiles]).Select(file => System.IO.Path.GetFileName(file))];

    /// <summary>Key and value of everything that its configuration sets.</summary>
    /// <exception cref="UserErrorException">It cannot be read.</exception>
    public IReadOnlyDictionary<string, string> Settings() => IsFineTuning
        ? ValuesOf(FineTuningKeys.All, ConfigFile.Read(folder.Config, FineTuningKeys.All, new FineTuningConfig()))
        : ValuesOf(ConfigKeys.All, ConfigFile.Read(folder.Config));

    /// <inheritdoc/>
    protected override IReadOnlyList<string> Telling => [folder.Log, folder.Metrics, folder.Config];

    /// <inheritdoc/>
    protected override RunLine Tell(int budget)
    {
        ReadConfig();
        HasMore = glance.Look(budget);
        StepRecord? last = glance.LastStep;
        bool isRunning = folder.IsOccupied;
        long? all = steps ?? (glance.StepsPerEpoch is { } perEpoch && epochs > 0 ? (long)(epochs * perEpoch) : null);
        long? concluded = NumberIn(folder.Metrics, "step");
        all = NumberIn(folder.Metrics, "total_steps") ?? all;
        RunState state = isRunning ? RunState.Running
            : last is { Applied: false } ? RunState.Diverged
            : concluded is { } end && end >= (last?.Step ?? 0) ? end >= all ? RunState.Done : RunState.Stopped
            : RunState.Dead;
        double[] knn = [.. glance.Evaluations.Where(metric => metric.Key.StartsWith("knn/", StringComparison.Ordinal)).Select(metric => metric.Value)];
        return new RunLine(
            Id, kind, state, what, last?.Step ?? 0, all,
            isRunning && last?.ClipsPerSecond is > 0 and double speed && all is { } total ? Math.Round((total - last.Step) * clipsOfStep / speed) : null,
            Finite(last?.ClipsPerSecond), Finite(last?.Loss), Finite(last?.Hint),
            glance.Evaluations.TryGetValue("rankme", out double rank) ? Finite(rank) : null,
            knn.Length > 0 ? Finite(knn.Average()) : null, HasReport: File.Exists(folder.Report));
    }

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    private static Dictionary<string, string> ValuesOf<TConfig>(IReadOnlyList<ConfigKey<TConfig>> keys, TConfig config) =>
        keys.Select(key => (key.Name, Value: key.Get(config))).Where(pair => pair.Value is not null).ToDictionary(pair => pair.Name, pair => pair.Value!);

    private void ReadConfig()
    {
        long written = TicksAt(folder.Config);
        if (written == readAt)
            return;
        if (ConfigFile.KeysOf(folder.Config).Contains("task"))
        {
            FineTuningConfig tuning = ConfigFile.Read(folder.Config, FineTuningKeys.All, new FineTuningConfig());
            (kind, what, steps, epochs, clipsOfStep) = ("fine-tuning", $"{Name(tuning.Checkpoint)} on {Name(tuning.Task)}", null, tuning.Epochs, tuning.Batch);
        }
        else
        {
            PretrainingConfig config = ConfigFile.Read(folder.Config);
            (kind, what, steps, epochs, clipsOfStep) = ("pre-training", $"{config.Framework} {config.Encoder?.ToString() ?? config.Size}, {config.Mask}", config.Steps, config.Epochs ?? 0, config.Batch * config.Accumulate);
        }
        readAt = written; // one that cannot be read is read again

        static string Name(string? path) => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(path ?? ""));
    }
}

/// <summary>A study.</summary>
internal sealed class WatchedStudy(string id, string path) : Watched(id, path)
{
    private readonly StudyFolder folder = new(path);
    private long expected = -1, rowsLength = -1, rows;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Files => [.. ((string[])[folder.Report, folder.Config, folder.Rows, folder.Costs]).Select(file => System.IO.Path.GetFileName(file))];

    /// <inheritdoc/>
    protected override IReadOnlyList<string> Telling => [folder.Rows, folder.Config];

    /// <inheritdoc/>
    protected override RunLine Tell(int budget)
    {
        if (expected < 0)
        {
            StudyConfig config = StudyFile.Read(folder.Config);
            expected = (long)config.Frameworks.Count * config.Seeds.Count * config.ArmNames.Count * config.Tasks.Count * config.Probes.Count();
        }
        long length = File.Exists(folder.Rows) ? new FileInfo(folder.Rows).Length : 0;
        if (length != rowsLength)
            (rowsLength, rows) = (length, length == 0 ? 0 : InputFile.ReadLines(folder.Rows).LongCount());
        RunState state = folder.IsInWork ? RunState.Running : rows >= expected ? RunState.Done : RunState.Stopped;
        return new RunLine(Id, "study", state, $"{expected} scores", rows, expected, HasReport: File.Exists(folder.Report));
    }
}
