using System.Text.RegularExpressions;

namespace OtoMask.Corpora;

/// <summary>What a drum sample is a hit of, by the name of its file or instrument.</summary>
internal static partial class DrumKinds
{
    // The first match decides, so the particular stands before the general: a "snare_rim" is a rim, an "808_Hat_Pedal" a closed hat.
    private static readonly (Regex Pattern, string Kind)[] KindOfName =
    [
        (OtherSound(), ""),
        (Rim(), "rim"),
        (OpenHat(), "open-hat"),
        (ClosedHat(), "closed-hat"),
        (Crash(), "crash"),
        (Ride(), "ride"),
        (Bell(), "bell"),
        (HandDrum(), "hand-drum"),
        (Tom(), "tom"),
        (Snare(), "snare"),
        (Kick(), "kick"),
    ];

    /// <summary>One of the ten kinds; null for anything else (a loop, a clap, a cymbal that is crash and ride at once).</summary>
    public static string? Of(string name)
    {
        string? kind = KindOfName.FirstOrDefault(entry => entry.Pattern.IsMatch(name)).Kind;
        return string.IsNullOrEmpty(kind) ? null : kind;
    }

    [GeneratedRegex("^(loop|ambi|bass_|glitch|vinyl|elec_(bell|chime)|drum_roll|zap|nasty_bass)|clap|shaker|clav|wood|roll$|crash.*ride|ride.*crash|hat free|side o?hh", RegexOptions.IgnoreCase)]
    private static partial Regex OtherSound();

    [GeneratedRegex("rim|stick", RegexOptions.IgnoreCase)]
    private static partial Regex Rim();

    [GeneratedRegex("hat[_ -]?(semi-?)?open|hihat_open|cymbal_open|open ?(hat|hh)|hh_?open|ohh|hat.* op\\b|hat_op_|hihat-semi-open|hat ?swish", RegexOptions.IgnoreCase)]
    private static partial Regex OpenHat();

    [GeneratedRegex("hat|cymbal_(closed|pedal)|hh", RegexOptions.IgnoreCase)]
    private static partial Regex ClosedHat();

    [GeneratedRegex("crash|splash|china|cymbal", RegexOptions.IgnoreCase)]
    private static partial Regex Crash();

    [GeneratedRegex("ride", RegexOptions.IgnoreCase)]
    private static partial Regex Ride();

    [GeneratedRegex("bell|triangle|agogo", RegexOptions.IgnoreCase)]
    private static partial Regex Bell();

    [GeneratedRegex("tabla|conga|bongo|cajon|djembe|(dununba|kenkeni|sangban)[0-9] head", RegexOptions.IgnoreCase)]
    private static partial Regex HandDrum();

    [GeneratedRegex("tom", RegexOptions.IgnoreCase)]
    private static partial Regex Tom();

    [GeneratedRegex("snare|^sn_", RegexOptions.IgnoreCase)]
    private static partial Regex Snare();

    [GeneratedRegex("kick|bass ?drum|^bd_|drum_bass", RegexOptions.IgnoreCase)]
    private static partial Regex Kick();
}
