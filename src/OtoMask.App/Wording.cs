using System.CommandLine;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OtoMask.App;

/// <summary>What the library says, as a person at the command line says it: it quotes its own names (<c>`base-lr`</c>, a key; <c>`Heads`</c>, a property;
/// <c>`FineTuner`</c>, a type), and this puts the options and verbs in their place.</summary>
internal static partial class Wording
{
    /// <summary>Names that are not those of their options, and what only a verb does.</summary>
    private static readonly Dictionary<string, string> Others = new()
    {
        ["folder"] = "--out",
        ["path"] = "--out",
        ["root"] = "--data-dir",
        ["IsStrict"] = "--strict",
        ["GeometryHints"] = "the command line",
        ["ConfigFile.Read"] = $"`{CommandLine.Name} pretrain --config`",
        ["PretrainingConfig.From"] = $"{CommandLine.Name} pretrain --from",
        ["PretrainingRun.Begin"] = $"{CommandLine.Name} pretrain --out",
        ["PretrainingRun"] = $"`{CommandLine.Name} pretrain --out`",
        ["FineTuner"] = $"`{CommandLine.Name} finetune --out`",
        ["LogMelCache.Prepare"] = $"{CommandLine.Name} prepare",
        ["ModelImport"] = $"`{CommandLine.Name} import`",
        ["ExportFormat.Write"] = $"`{CommandLine.Name} export --format safetensors`",
    };

    private static IReadOnlySet<string> ofThisVerb = new HashSet<string>();

    /// <summary>From now on the words are those of a verb: an option that it has not is not named.</summary>
    public static void Speak(Command verb) => ofThisVerb = OptionsOf(verb);

    /// <summary>What helps where memory does not suffice: an option of the verb at hand that takes less of it, where it has one.</summary>
    public static string ToTakeLessMemory => ToTakeLess(ofThisVerb);

    /// <inheritdoc cref="ToTakeLessMemory"/>
    public static string ToTakeLessMemoryIn(Command verb) => ToTakeLess(OptionsOf(verb));

    /// <summary>A line of the library in the words of the verb at hand; a name that means nothing there stays as it is.</summary>
    public static string Of(string told) => Of(told, ofThisVerb);

    /// <inheritdoc cref="Of(string)"/>
    public static string Of(string told, Command verb) => Of(told, OptionsOf(verb));

    /// <summary>What the command line says for a name of the library: an option, where a verb has it, or words that stand for what the name does.</summary>
    public static string Named(string name) => Others.GetValueOrDefault(name) ?? $"--{JsonNamingPolicy.KebabCaseLower.ConvertName(name)}";

    private static string Of(string told, IReadOnlySet<string> options) => Quoted().Replace(told, quoted =>
    {
        string name = Named(quoted.Groups[1].Value);
        return name[0] != '-' || options.Contains(name) ? name : quoted.Value;
    });

    private static string ToTakeLess(IReadOnlySet<string> options) =>
        options.Contains("--batch") ? "try a smaller --batch"
        : options.Contains("--workers") ? "try fewer --workers"
        : "close what else takes memory, or use a machine that has more";

    private static HashSet<string> OptionsOf(Command verb) => [.. verb.Options.Select(option => option.Name)];

    [GeneratedRegex(@"`([A-Za-z][A-Za-z.-]*)`")]
    internal static partial Regex Quoted();
}
