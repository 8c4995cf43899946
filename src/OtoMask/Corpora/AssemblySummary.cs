using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OtoMask.Corpora;

/// <summary>The JSON beside an assembled table: how much of what, from which package, under which licence.</summary>
internal static class AssemblySummary
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes <see cref="AssembledTask.SummaryPath"/>.</summary>
    public static void Write(AssembledTask task) => Write(task.SummaryPath, new
    {
        task = task.Recipe.Name,
        family = task.Recipe.Family,
        summary = task.Recipe.Summary,
        clips = task.Clips.Count,
        seconds = Math.Round(task.Clips.Sum(clip => clip.Origin.Seconds), 1),
        medianSeconds = Math.Round(task.Clips.Select(clip => clip.Origin.Seconds).Order().ElementAt(task.Clips.Count / 2), 3),
        contentHash = task.ContentHash,
        packages = PackageShare.Of(task.Clips.Select(clip => clip.Origin)),
        labels = task.Clips.GroupBy(clip => clip.Label)
            .OrderBy(label => label.Key, StringComparer.Ordinal)
            .Select(label => new { label = label.Key, train = label.Count(clip => !clip.IsTest), test = label.Count(clip => clip.IsTest) }),
    });

    /// <summary>Writes <see cref="AssembledPool.SummaryPath"/>.</summary>
    public static void Write(AssembledPool pool) => Write(pool.SummaryPath, new
    {
        tasks = pool.Tasks.Select(task => task.Name),
        clips = pool.Clips.Count,
        hours = Math.Round(pool.Hours, 3),
        contentHash = pool.ContentHash,
        packages = PackageShare.Of(pool.Clips.Select(clip => clip.Origin)),
    });

    /// <summary>Refuses to replace a table, or the summary beside it, that was not assembled here; takes away what killed processes left of them.</summary>
    /// <exception cref="UserErrorException">There is one that is somebody else's.</exception>
    public static void RequireOwn(string tablePath, string summaryPath)
    {
        if (!IsOurs(summaryPath) && ((string[])[tablePath, summaryPath]).FirstOrDefault(Path.Exists) is { } foreign)
            throw new UserErrorException($"{foreign} was not assembled here and would be replaced; move it away, or name another `root`");
        AtomicFile.RemoveLeftoversOf(tablePath);
        AtomicFile.RemoveLeftoversOf(summaryPath);
    }

    // Written before the table, so that a table of ours never stands alone.
    private static bool IsOurs(string summaryPath)
    {
        try
        {
            return File.Exists(summaryPath) && JsonNode.Parse(InputFile.ReadText(summaryPath, InputFile.LargestTable)) is JsonObject summary && summary.ContainsKey("contentHash") && summary.ContainsKey("packages");
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void Write(string path, object summary) => AtomicFile.Write(path, stream => JsonSerializer.Serialize(stream, summary, Json));
}
