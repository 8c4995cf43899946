namespace OtoMask;

/// <summary>Guesses what a mistyped name was meant to be.</summary>
internal static class Nearest
{
    private const int FewEdits = 2, LettersPerEdit = 3, LettersOfBeginning = 3;

    /// <summary>
    /// How a message about an unknown name goes on: "; did you mean NAME?" with the known name that has it as one of its words, or else the one that is
    /// the fewest edits away (two, or one for every three letters), or else one that begins as it does ("--batch-size" and "--batch"); the first of
    /// equals, whatever the case. <paramref name="otherwise"/> where there is none.
    /// </summary>
    public static string Hint(string typed, IEnumerable<string> known, string otherwise = "")
    {
        string? nearest = known.FirstOrDefault(HasAsWord) ?? known.Where(IsNear).MinBy(Edits) ?? known.FirstOrDefault(BeginsAlike);
        return nearest is null ? otherwise : $"; did you mean {nearest}?";

        bool HasAsWord(string name) => name.Trim('-').Split('-').Contains(typed.Trim('-'), StringComparer.OrdinalIgnoreCase);
        bool IsNear(string name) => Edits(name) <= Math.Max(FewEdits, typed.Length / LettersPerEdit);
        bool BeginsAlike(string name) => typed.Trim('-').Length >= LettersOfBeginning
            && (typed.StartsWith(name, StringComparison.OrdinalIgnoreCase) || name.StartsWith(typed, StringComparison.OrdinalIgnoreCase));
        int Edits(string name) => EditDistance(name.ToLowerInvariant(), typed.ToLowerInvariant());
    }

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
