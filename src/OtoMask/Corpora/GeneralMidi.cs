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

    /// <summary>The key of the first of <see cref="Percussion"/>.</summary>
    public const int LowestPercussionKey = 35;

    /// <summary>The percussion instruments, key by key.</summary>
    public static readonly IReadOnlyList<string> Percussion =
    [
        "acoustic-bass-drum", "bass-drum", "side-stick", "acoustic-snare", "hand-clap", "electric-snare", "low-floor-tom", "closed-hi-hat",
        "high-floor-tom", "pedal-hi-hat", "low-tom", "open-hi-hat", "low-mid-tom", "hi-mid-tom", "crash-cymbal-1", "high-tom", "ride-cymbal-1",
        "chinese-cymbal", "ride-bell", "tambourine", "splash-cymbal", "cowbell", "crash-cymbal-2", "vibraslap", "ride-cymbal-2", "hi-bongo",
        "low-bongo", "mute-hi-conga", "open-hi-conga", "low-conga", "high-timbale", "low-timbale", "high-agogo", "low-agogo", "cabasa", "maracas",
        "short-whistle", "long-whistle", "short-guiro", "long-guiro", "claves", "hi-wood-block", "low-wood-block", "mute-cuica", "open-cuica",
        "mute-triangle", "open-triangle",
    ];

    /// <summary>The kind of hit of each percussion key that is one of <see cref="DrumHits"/>' kinds.</summary>
    public static readonly IReadOnlyDictionary<int, string> PercussionKeys = new SortedDictionary<int, string>(
        new (string Kind, int[] Keys)[]
        {
            ("kick", [35, 36]),
            ("rim", [37]),
            ("snare", [38, 40]),
            ("tom", [41, 43, 45, 47, 48, 50]),
            ("closed-hat", [42, 44]),
            ("open-hat", [46]),
            ("crash", [49, 52, 55, 57]),
            ("ride", [51, 59]),
            ("bell", [53, 56, 67, 68, 80, 81]),
            ("hand-drum", [60, 61, 62, 63, 64, 65, 66]),
        }.SelectMany(kind => kind.Keys.Select(key => (key, kind.Kind))).ToDictionary());
}
