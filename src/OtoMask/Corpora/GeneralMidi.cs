namespace OtoMask.Corpora;

/// <summary>Names of the General MIDI sound set (GM level 1, MIDI Manufacturers Association, 1991).</summary>
internal static class GeneralMidi
{
    /// <summary>Number of melodic programs, 0 .. 127.</summary>
    public const int ProgramCount = 128;

    /// <summary>The channel of the drum kits, counted from 0.</summary>
    public const int PercussionChannel = 9;

    /// <summary>The 16 families of eight consecutive programs.</summary>
    public static readonly IReadOnlyList<string> Families =
    [
        "piano", "chromatic-percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass",
        "reed", "pipe", "synth-lead", "synth-pad", "synth-effects", "ethnic", "percussive", "sound-effects",
    ];

    /// <summary>The kind of hit of each percussion key that is one of <see cref="DrumHits"/>' kinds.</summary>
    public static readonly IReadOnlyDictionary<int, string> PercussionKeys = new SortedDictionary<int, string>
    {
        [35] = "kick", [36] = "kick", [37] = "rim", [38] = "snare", [40] = "snare",
        [41] = "tom", [43] = "tom", [45] = "tom", [47] = "tom", [48] = "tom", [50] = "tom",
        [42] = "closed-hat", [44] = "closed-hat", [46] = "open-hat",
        [49] = "crash", [52] = "crash", [55] = "crash", [57] = "crash", [51] = "ride", [59] = "ride",
        [53] = "bell", [56] = "bell", [67] = "bell", [68] = "bell", [80] = "bell", [81] = "bell",
        [60] = "hand-drum", [61] = "hand-drum", [62] = "hand-drum", [63] = "hand-drum", [64] = "hand-drum", [65] = "hand-drum", [66] = "hand-drum",
    };
}
