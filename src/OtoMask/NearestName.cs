namespace OtoMask;

/// <summary>Finds the name that somebody probably meant.</summary>
public static class NearestName
{
    /// <summary>The known name nearest to <paramref name="written"/>; null if none is near enough to be meant.</summary>
    /// <param name="written">What was written.</param>
    /// <param name="known">The names there are.</param>
    public static string? Of(string written, IEnumerable<string> known)
    {
        string? nearest = known.MinBy(name => Distance(written, name));
        return nearest is not null && Distance(written, nearest) <= Math.Max(2, nearest.Length / 2) ? nearest : null;
    }

    /// <summary>Levenshtein, 1966: insertions, deletions and substitutions from one text to the other.</summary>
    public static int Distance(string from, string to)
    {
        int[] distances = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = distances[0];
            distances[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int substitution = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = distances[j];
                distances[j] = Math.Min(substitution, Math.Min(distances[j], distances[j - 1]) + 1);
            }
        }
        return distances[to.Length];
    }
}
