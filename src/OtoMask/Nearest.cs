namespace OtoMask;

/// <summary>Guesses what a mistyped name was meant to be.</summary>
public static class Nearest
{
    /// <summary>The known name with the fewest edits to <paramref name="typed"/>; the first of equals.</summary>
    public static string To(string typed, IEnumerable<string> known) => known.MinBy(name => EditDistance(name, typed)) ?? "";

    /// <summary>Levenshtein, 1966: insertions, deletions and substitutions from one text to the other.</summary>
    private static int EditDistance(string from, string to)
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
