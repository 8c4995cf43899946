namespace OtoMask;

/// <summary>What people are told fits on one line, whatever it quotes.</summary>
public static class OneLine
{
    /// <summary>A text without control characters: line breaks, and codes that a terminal would obey.</summary>
    /// <param name="text">May quote a name or a text from a stranger's file.</param>
    /// <param name="inPlace">What stands in the place of each.</param>
    public static string Of(string text, char inPlace = ' ') =>
        text.Any(char.IsControl) ? string.Concat(text.Select(letter => char.IsControl(letter) ? inPlace : letter)) : text;
}
