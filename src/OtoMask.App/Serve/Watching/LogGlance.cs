using System.Text;
using OtoMask.Runs;

namespace OtoMask.App.Serve.Watching;

/// <summary>What a run's log says last: its newest step at once, from the end of the file, and the evaluations, which are few, by and by.</summary>
/// <remarks>Steps between are never parsed, so two hundred logs of a hundred thousand steps cost little, and nothing is read twice.</remarks>
/// <param name="path">The <c>log.jsonl</c>, which need not be there yet.</param>
internal sealed class LogGlance(string path)
{
    private const int TailBytes = 1 << 14, LongestLine = 1 << 16;
    private readonly Dictionary<string, double> evaluations = [];
    private ulong inode;
    private long position, length;

    /// <summary>The newest step; null before the first.</summary>
    public StepRecord? LastStep { get; private set; }

    /// <summary>The last value of every metric that was found so far.</summary>
    public IReadOnlyDictionary<string, double> Evaluations => evaluations;

    /// <summary>Steps of one epoch, once the log tells of a second one; else null.</summary>
    public double? StepsPerEpoch => LastStep is { Epoch: > 0 } step ? (double)step.Step / (step.Epoch + 0.5) : null;

    /// <summary>Reads on.</summary>
    /// <param name="budget">Bytes to read at most, besides the end.</param>
    /// <returns>Whether anything is otherwise than before, or there is more to read.</returns>
    /// <exception cref="UserErrorException">The log cannot be read, or is none that a run writes.</exception>
    public bool Look(int budget)
    {
        if (LogFollower.StatusOf(path) is not { } status)
            return false;
        using FileStream file = InputFile.Open(path);
        bool isAnew = status.Inode != inode || file.Length < position;
        if (isAnew)
        {
            (inode, position, length, LastStep) = (status.Inode, 0, 0, null);
            evaluations.Clear();
        }
        if (file.Length == length && position == length)
            return isAnew;
        length = file.Length;
        ReadEnd(file);
        ReadOn(file, budget);
        return true;
    }

    private void ReadEnd(FileStream file)
    {
        string[] lines = Encoding.UTF8.GetString(Read(file, Math.Max(0, length - TailBytes), TailBytes)).Split('\n');
        // The last piece is a line that is still being written, or nothing.
        LastStep = lines.SkipLast(1).Reverse().Select(LogRow.TryParse).OfType<StepRecord>().FirstOrDefault() ?? LastStep;
    }

    private void ReadOn(FileStream file, int budget)
    {
        ReadOnlySpan<byte> block = Read(file, position, (int)Math.Min(budget, length - position));
        int end = block.LastIndexOf((byte)'\n') + 1;
        position += end > 0 ? end : block.Length < LongestLine ? 0 : block.Length; // what is no line is passed over
        block = block[..end];
        while (block.IndexOf("\"metric\""u8) is >= 0 and int at)
        {
            int start = block[..at].LastIndexOf((byte)'\n') + 1, stop = at + block[at..].IndexOf((byte)'\n');
            if (LogRow.TryParse(Encoding.UTF8.GetString(block[start..stop])) is EvaluationRecord row)
                evaluations[row.Metric] = row.Value;
            block = block[(stop + 1)..];
        }
        if (end == 0)
            length = position; // wait for the rest of the line
    }

    private static byte[] Read(FileStream file, long from, int count)
    {
        file.Position = from;
        byte[] bytes = new byte[Math.Min(count, file.Length - from)];
        return bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
    }
}
