namespace OtoMask;

/// <summary>What people are told fits on one line, whatever it quotes.</summary>
public static class OneLine
{
    /// <summary>A text with a space in the place of every control character: line breaks, and codes that a terminal would obey.</summary>
    /// <param name="text">May quote a name or a text from a stranger's file.</param>
    public static string Of(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter)) : text;
}
