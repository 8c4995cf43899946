using System.Text;
using System.Text.Json;

namespace OtoMask.Runs;

/// <summary>The rows of a run folder's <c>log.jsonl</c>.</summary>
/// <param name="Steps">Training steps, in the order logged.</param>
/// <param name="Evaluations">Evaluation results, in the order logged.</param>
public sealed record RunLog(IReadOnlyList<StepRecord> Steps, IReadOnlyList<EvaluationRecord> Evaluations)
{
    /// <summary>What the run warned of before its steps, in the order logged.</summary>
    public IReadOnlyList<WarningRecord> Warnings { get; init; } = [];

    /// <summary>Reads a log. Rows of other kinds are passed over; a last line cut short by a crash is left out.</summary>
    /// <exception cref="UserErrorException">The file is missing or unreadable, or a line before the last is no JSON object.</exception>
    public static RunLog Read(string path)
    {
        List<StepRecord> steps = [];
        List<EvaluationRecord> evaluations = [];
        List<WarningRecord> warnings = [];
        foreach (LogRow row in Rows(path))
        {
            switch (row)
            {
                case StepRecord step: steps.Add(step); break;
                case EvaluationRecord evaluation: evaluations.Add(evaluation); break;
                case WarningRecord warning: warnings.Add(warning); break;
            }
        }
        return new(steps, evaluations) { Warnings = warnings };
    }

    /// <summary>All that a run has warned of, in whichever process.</summary>
    /// <param name="now">What the one that writes it now has.</param>
    internal IReadOnlyList<string> WarningsWith(IEnumerable<string> now) => [.. Warnings.Select(warning => warning.Message).Concat(now).Distinct()];

    /// <summary>The rows of a log as they are asked for; the file is read no further.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    internal static IEnumerable<LogRow> Rows(string path)
    {
        if (!File.Exists(path))
            throw new UserErrorException($"no log at {path}; name the folder of a run");
        (int Number, Exception Error)? broken = null;
        foreach ((int number, string line) in InputFile.ReadLines(path).Index())
        {
            if (broken is { } earlier)
                throw new UserErrorException($"{path}, line {earlier.Number}: not a log row; restore the file or remove the line", earlier.Error);
            if (string.IsNullOrWhiteSpace(line))
                continue;
            LogRow? row = null;
            try
            {
                row = LogRow.Parse(line);
            }
            catch (JsonException error)
            {
                broken = (number + 1, error);
            }
            if (row is not null)
                yield return row;
        }
    }
}

/// <summary>Follows a log while a run writes it: each call reads what is new, without reading the file again.</summary>
/// <param name="path">The <c>log.jsonl</c>, which need not be there yet.</param>
/// <remarks>A run that goes on from an earlier step writes its log anew; the follower then begins again, too (<see cref="HasBegunAnew"/>). Lines that are
/// no rows are passed over: the reader of a run that is alive has nobody to complain to.</remarks>
public sealed class LogFollower(string path)
{
    private const int MostAtOnce = 1 << 22; // a log of any length is followed in pieces
    private ulong inode;
    private long position;
    private byte[] unfinished = [];

    /// <summary>Whether the last call found another file than the one before, or a shorter one, and gave its rows from the first on.</summary>
    public bool HasBegunAnew { get; private set; }

    /// <summary>The rows since the last call; of a long log as many as fit in a few megabytes, so call again until there is none.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, or is none that a run writes.</exception>
    public IReadOnlyList<LogRow> ReadNew()
    {
        if (StatusOf(path) is not { } status)
            return [];
        using FileStream file = InputFile.Open(path);
        HasBegunAnew = position > 0 && (status.Inode != inode || file.Length < position);
        if (HasBegunAnew)
            (position, unfinished) = (0, []);
        inode = status.Inode;
        file.Position = position;
        var bytes = new byte[Math.Min(MostAtOnce, file.Length - position)];
        int read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        position += read;
        return Rows([.. unfinished, .. bytes.AsSpan(0, read)]);
    }

    /// <summary>Which file a log is; null where there is none, or none with a row: a run makes its log before it has one.</summary>
    internal static FileStatus? StatusOf(string path) => FileStatus.Of(path) is { } status && !(status.Kind == FileKind.Regular && new FileInfo(path).Length == 0) ? status : null;

    private IReadOnlyList<LogRow> Rows(byte[] bytes)
    {
        int end = Array.LastIndexOf(bytes, (byte)'\n') + 1;
        unfinished = bytes.Length - end < MostAtOnce ? bytes[end..] : []; // no line is as long
        return [.. Encoding.UTF8.GetString(bytes, 0, end).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(LogRow.TryParse).OfType<LogRow>()];
    }
}
