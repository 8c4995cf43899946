using System.Text.RegularExpressions;

namespace OtoMask.Corpora;

/// <summary>What a game's sound is the sound of, by the name of its file.</summary>
/// <remarks>A name is read as words: <c>FootStepGrass1</c> is "foot step grass 1", <c>NYX_PAIN3</c> "nyx pain 3", <c>f16_1</c> "f 16 1".</remarks>
internal static partial class GameEventKinds
{
    // The first match decides, so the particular stands before the general: a "laser_cannon" is a laser, a "water_footstep" neither, a "hawk_scream" an animal.
    private static readonly (Regex Pattern, string Kind)[] KindOfName =
    [
        (Ambiguous(), ""),
        (Explosion(), "explosion"),
        (Laser(), "laser"),
        (Gunshot(), "gunshot"),
        (Footstep(), "footstep"),
        (Animal(), "animal"),
        (Engine(), "engine"),
        (Water(), "water"),
        (Voice(), "voice"),
        (Impact(), "impact"),
        (Pickup(), "pickup"),
    ];

    /// <summary>The ten kinds.</summary>
    public static IReadOnlyList<string> All { get; } = [.. KindOfName.Select(entry => entry.Kind).Where(kind => kind.Length > 0)];

    /// <summary>
    /// The kind that the name of a file, without extension, tells; null for anything else (several sounds at once, a melody, speech, a mere <c>hit</c> or
    /// <c>die</c>).
    /// </summary>
    public static string? Of(string name)
    {
        string words = Seam().Replace(name, " ").Trim().ToLowerInvariant();
        string? kind = KindOfName.FirstOrDefault(entry => entry.Pattern.IsMatch(words)).Kind;
        return string.IsNullOrEmpty(kind) ? null : kind;
    }

    /// <summary>What parts words: a capital after a small letter, the change between letters and digits, anything that is neither.</summary>
    [GeneratedRegex("(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])|[^A-Za-z0-9]+")]
    private static partial Regex Seam();

    // Several sounds at once, what resembles another kind more than its own, and words that mean something else in one of the games.
    [GeneratedRegex(@"\b(background|and cannons|fighting|drums|then|launched|falling|crashing|flyby|shockwave|water footstep|rabbit pain|gallop|screech|failure|engine powerup|cave water|rising|space bubbles|drip drop|bot land|gem (fall|select)|bonus magnet)\b")]
    private static partial Regex Ambiguous();

    [GeneratedRegex(@"\b(expl?|explo|explos|explosions?|explodes?|bigbang|kabumm|detonationnorm|\w*bo{2,}m)\b")]
    private static partial Regex Explosion();

    [GeneratedRegex(@"\b(lasers?|lasershot|plasma|blaster|p?beam|[ls]wbeam|\w*zap)\b")]
    private static partial Regex Laser();

    // The last alternatives: netPanzer's tanks (heavy, light, medium ...), Freeciv's cannons, TripleA's volleys.
    [GeneratedRegex(@"\b(guns?|gunfire|(m|mini|shot|machine)gun|machinegunner|(auto)?cannons?|muskets?|mg|mortar|(ho|ht|hv|lt|mt|mu) fire|(lrg|med) can|(musket|battleship) volley|just aa artillery)\b")]
    private static partial Regex Gunshot();

    [GeneratedRegex(@"\b(foot ?steps?|foot|steps?)\b")]
    private static partial Regex Footstep();

    [GeneratedRegex(@"\b(dog|bark|growl|snarl|cat|kitten|meow|cows?|moo|baa|sheep|birds?|birdchirp|rooster|owl|duck|goose|horse|frogs|crickets?|wolf|hawk|gull|seagulls|squeak|sea lion|bats|bees)\b")]
    private static partial Regex Animal();

    // Cars, tanks, trains, ships, aircraft (F-16, F-18 and T-38 among them) and the thrust of rockets.
    [GeneratedRegex(@"\b(engine|helicopter|apache|vehicle|truck|bus|train|diesel|jet|plane|planelow|biplane|jetplane|cessna|f 1[68]|t 38|tank ?(move|idle)|hev(mov|idle|start)|submarine|(car|motorcycle) passing|camaro|cyclrun|thrust)\b")]
    private static partial Regex Engine();

    [GeneratedRegex(@"\b(splash|water|drip|drip c|dropinwater|oceanwaves|waves|ripples|bubbles|shower|faucet|toilet|plunge|waterfall)\b")]
    private static partial Regex Water();

    // Cries, laughs, coughs: a voice without words.
    [GeneratedRegex(@"\b(scream|screaming|pain|ouch|autsch|ugh|ah|\w*laugh|lachen|deadman|maledeath|grunt|wahoo|yeah|cough|sneeze|baby cry)\b")]
    private static partial Regex Voice();

    [GeneratedRegex(@"\b(bounce|bump\w*|thud|whack|punch|\w+ collide|(crate|stone|wood|metal|tree) hit|heavy impact)\b|^((bot|nyx|player|pyr) )?land( \d)?$")]
    private static partial Regex Impact();

    // The jingle for what was taken up.
    [GeneratedRegex(@"\b(coins?|(get)?gold|bonus|pickup|powerup|goody|gem|emerald eat|sapphire eat|taking item|extra ?(life|ball)|life (add|plus)|rlife plus|rmoney)\b")]
    private static partial Regex Pickup();
}
