using System.Globalization;

namespace OtoMask;

/// <summary>What people are told fits on one line, whatever it quotes.</summary>
internal static class OneLine
{
    /// <summary>A text without what would break its line or be obeyed instead of shown: line breaks of every kind, codes for a terminal, and marks
    /// that turn the direction of writing and so make a name look like another.</summary>
    /// <param name="text">May quote a name or a text from a stranger's file.</param>
    /// <param name="inPlace">What stands in the place of each.</param>
    public static string Of(string text, char inPlace = ' ') =>
        text.Any(IsObeyed) ? string.Concat(text.Select(letter => IsObeyed(letter) ? inPlace : letter)) : text;

    private static bool IsObeyed(char letter) => char.IsControl(letter) || TurnsDirection(letter)
        || char.GetUnicodeCategory(letter) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    // Unicode's Bidi_Control (UAX 9).
    private static bool TurnsDirection(char letter) => letter is '\u061c' or '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
