using System.Globalization;
using OtoMask.Configuration;
using OtoMask.Evaluation;
using OtoMask.FineTuning;
using OtoMask.Models;
using YamlDotNet.RepresentationModel;

namespace OtoMask.Studies;

/// <summary>Reads a <see cref="StudyConfig"/> from YAML; <c>configs/study-mini.yaml</c> is an example; docs/study.md has every key.</summary>
public static class StudyFile
{
    private static readonly string[] Keys =
        ["data", "tasks", "seeds", "probe", "probe-seeds", "attentive", "shots", "finetuning", "frameworks", "arms", "baseline", "equal-time", "follow", "pretraining"];

    /// <summary>The study of a file.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, or a line names no key, a key twice, or no valid value.</exception>
    public static StudyConfig Read(string path) => Parse(ConfigFile.ReadText(path), path);

    /// <summary>The study that a text tells.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <exception cref="UserErrorException">A line names no key, a key twice, or no valid value.</exception>
    public static StudyConfig Parse(string yaml, string source)
    {
        Dictionary<string, YamlNode> values = [];
        foreach ((YamlNode key, YamlNode value) in ConfigFile.Mapping(yaml, source))
        {
            string name = Text(key, source);
            if (!Keys.Contains(name))
                throw At(key, source, $"unknown key '{name}'{Nearest.Hint(name, Keys, $"; the keys are {string.Join(", ", Keys)}")}");
            values.Add(name, value);
        }
        try
        {
            return Build(new Reader(values, source)).Validate();
        }
        catch (UserErrorException error) when (!error.Message.StartsWith(source, StringComparison.Ordinal))
        {
            throw new UserErrorException($"{source}: {error.Message}", error);
        }
    }

    private static StudyConfig Build(Reader reader)
    {
        var defaults = new StudyConfig { Tasks = [], Seeds = [], Frameworks = [], Arms = [], Pretraining = [] };
        return defaults with
        {
            Data = reader.TextOr("data", defaults.Data),
            Tasks = reader.List("tasks", node => Task(node, reader.Source)),
            Seeds = reader.List("seeds", node => Seed(node, reader.Source)),
            Probe = reader.Has("probe") ? Mode(reader.TextOr("probe", "")) : defaults.Probe,
            ProbeSeeds = reader.Has("probe-seeds") ? reader.List("probe-seeds", node => Seed(node, reader.Source)) : defaults.ProbeSeeds,
            Attentive = reader.Has("attentive") && ConfigText.YesOrNo("attentive", reader.TextOr("attentive", "")),
            Shots = reader.Has("shots") ? reader.List("shots", node => ConfigText.Whole("shots", Text(node, reader.Source))) : defaults.Shots,
            FineTuning = reader.Has("finetuning") ? reader.FineTuning("finetuning") : null,
            Frameworks = reader.Map("frameworks", (name, settings) => new StudyFramework(FrameworkOf(name), settings)),
            Arms = reader.Map("arms", (name, settings) => name != StudyCell.Untrained
                ? new StudyArm(name, settings)
                : throw new UserErrorException($"{reader.Source}: the untrained network is always probed; give the arm '{name}' another name")),
            Baseline = reader.TextOr("baseline", defaults.Baseline),
            EqualTime = reader.Has("equal-time") ? reader.List("equal-time", node => Text(node, reader.Source)) : defaults.EqualTime,
            Follow = reader.Has("follow") ? reader.List("follow", node => Text(node, reader.Source)) : defaults.Follow,
            Pretraining = reader.Settings("pretraining"),
        };
    }

    private static StudyTaskName Task(YamlNode node, string source)
    {
        if (node is not YamlMappingNode mapping)
            return new StudyTaskName(Text(node, source), Family: null);
        Dictionary<string, string> fields = mapping.Children.ToDictionary(pair => Text(pair.Key, source), pair => Text(pair.Value, source));
        if (!fields.TryGetValue("csv", out string? csv) || !fields.TryGetValue("family", out string? family) || fields.Keys.Except(["csv", "family", "seconds"]).Any())
            throw At(node, source, "a task is a name, or {csv: FILE.csv, family: WORD}, with `seconds: S` where its clips have a unit length of their own");
        return new StudyTaskName(csv, family, fields.TryGetValue("seconds", out string? seconds) ? Seconds(seconds, node, source) : null);
    }

    private static double Seconds(string text, YamlNode node, string source) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and <= 3600
            ? seconds
            : throw At(node, source, $"seconds: '{text}' is no length above 0 and up to 3600");

    private static ulong Seed(YamlNode node, string source) => ulong.TryParse(Text(node, source), NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
        ? seed
        : throw At(node, source, $"'{Text(node, source)}' is no seed: give whole numbers from 0");

    private static ProbeMode Mode(string text) => Enum.TryParse(text, ignoreCase: true, out ProbeMode mode) && Enum.IsDefined(mode) && !char.IsDigit(text[0])
        ? mode
        : throw new UserErrorException($"probe: '{text}' is unknown; choose strict, evar or tuned");

    private static Framework FrameworkOf(string name) => ConfigKeys.Find("framework").Set(new PretrainingConfig(), name).Framework;

    private static string Text(YamlNode node, string source) => node is YamlScalarNode { Value: { Length: > 0 } text }
        ? text
        : throw At(node, source, "a word or a number belongs here");

    private static UserErrorException At(YamlNode node, string source, string message) => new($"{source}, line {node.Start.Line}: {message}");

    /// <summary>The values of a study's file by key.</summary>
    private sealed class Reader(IReadOnlyDictionary<string, YamlNode> values, string source)
    {
        public string Source => source;

        public bool Has(string key) => values.ContainsKey(key);

        public string TextOr(string key, string otherwise) => values.TryGetValue(key, out YamlNode? node) ? Text(node, source) : otherwise;

        public IReadOnlyList<T> List<T>(string key, Func<YamlNode, T> item) => Required(key) is YamlSequenceNode list
            ? [.. list.Children.Select(item)]
            : throw At(Required(key), source, $"{key} is a list: write [one, two]");

        public IReadOnlyList<T> Map<T>(string key, Func<string, IReadOnlyList<Setting>, T> item) => Required(key) is YamlMappingNode map
            ? [.. map.Children.Select(pair => item(Text(pair.Key, source), SettingsOf(pair.Value)))]
            : throw At(Required(key), source, $"{key} names each with its settings: write `name: {{mask: dwm}}`, or `name: {{}}` for none");

        public IReadOnlyList<Setting> Settings(string key) => SettingsOf(Required(key));

        public IReadOnlyList<Setting> FineTuning(string key) =>
            SettingsOf(Required(key), FineTuningKeys.All, new FineTuningConfig(), [FineTuningKeys.Checkpoint, FineTuningKeys.Task, "seed", "seconds", "start"]);

        private YamlNode Required(string key) => values.TryGetValue(key, out YamlNode? node)
            ? node
            : throw new UserErrorException($"{source}: `{key}` is missing");

        private IReadOnlyList<Setting> SettingsOf(YamlNode node) => SettingsOf(node, ConfigKeys.All, new PretrainingConfig(), ["data", "task", "seed", "framework"]);

        /// <param name="node">Keys and values.</param>
        /// <param name="keys">The keys there are.</param>
        /// <param name="defaults">What they are set in.</param>
        /// <param name="owned">Keys that the study sets by itself.</param>
        private IReadOnlyList<Setting> SettingsOf<T>(YamlNode node, IReadOnlyList<ConfigKey<T>> keys, T defaults, string[] owned)
        {
            if (node is not YamlMappingNode map)
                throw At(node, source, "settings are `key: value`, as in a file for `ConfigFile.Read`");
            List<Setting> settings = [];
            foreach ((YamlNode key, YamlNode value) in map.Children)
            {
                string name = Text(key, source);
                if (owned.Contains(name))
                    throw At(key, source, $"'{name}' is the study's own business and no setting of its runs");
                try
                {
                    keys.Named(name).Set(defaults, Text(value, source));
                }
                catch (UserErrorException error) when (!error.Message.StartsWith(source, StringComparison.Ordinal))
                {
                    throw At(key, source, error.Message);
                }
                settings.Add(new Setting(name, Text(value, source)));
            }
            keys.RequireOneWay(settings.Select(setting => setting.Key));
            return settings;
        }
    }
}
