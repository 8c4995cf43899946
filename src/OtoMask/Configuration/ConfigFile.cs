using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace OtoMask.Configuration;

/// <summary>Reads and writes configurations as YAML: one <c>key: value</c> a line, for a <see cref="PretrainingConfig"/> the keys of <see cref="ConfigKeys"/>.</summary>
public static class ConfigFile
{
    private const int LongestFile = 1 << 20, Deepest = 16;

    /// <summary>The configuration of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="start">Has the values that the file does not give; the defaults if null.</param>
    /// <exception cref="UserErrorException">The file cannot be read, or a line names no key, a key twice, or no valid value.</exception>
    public static PretrainingConfig Read(string path, PretrainingConfig? start = null) => Parse(ReadText(path), path, start);

    /// <summary>A configuration with what a file tells.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keys">The keys that it may name.</param>
    /// <param name="start">The values of the others.</param>
    /// <exception cref="UserErrorException">The file cannot be read, or a line names no key, a key twice, or no valid value.</exception>
    internal static TConfig Read<TConfig>(string path, IReadOnlyList<ConfigKey<TConfig>> keys, TConfig start) => Parse(ReadText(path), path, keys, start);

    /// <summary>Names of the keys that a file says something about.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, or is no YAML.</exception>
    public static IEnumerable<string> KeysOf(string path) => Mapping(ReadText(path), path).Select(pair => pair.Key).OfType<YamlScalarNode>().Select(key => key.Value!);

    /// <summary>The text of a configuration's file.</summary>
    /// <exception cref="UserErrorException">The file cannot be read, or is too large to be one.</exception>
    internal static string ReadText(string path) => InputFile.ReadText(path, LongestFile);

    /// <summary>The configuration that a text tells.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <param name="start">Has the values that the text does not give; the defaults if null.</param>
    /// <exception cref="UserErrorException">A line names no key, a key twice, or no valid value.</exception>
    public static PretrainingConfig Parse(string yaml, string source, PretrainingConfig? start = null) => Parse(yaml, source, ConfigKeys.All, start ?? new PretrainingConfig());

    /// <summary>A configuration with what a text tells.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <param name="keys">The keys that it may name.</param>
    /// <param name="config">The values of the others.</param>
    /// <exception cref="UserErrorException">A line names no key, a key twice, or no valid value.</exception>
    internal static TConfig Parse<TConfig>(string yaml, string source, IReadOnlyList<ConfigKey<TConfig>> keys, TConfig config)
    {
        KeyValuePair<YamlNode, YamlNode>[] lines = [.. Mapping(yaml, source)];
        try
        {
            keys.RequireOneWay(lines.Select(line => line.Key).OfType<YamlScalarNode>().Select(key => key.Value!));
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException($"{source}: {error.Message}", error);
        }
        foreach ((YamlNode keyNode, YamlNode valueNode) in lines)
        {
            if (keyNode is not YamlScalarNode { Value: { } name } || valueNode is not YamlScalarNode { Value: { } value })
                throw new UserErrorException($"{source}, line {keyNode.Start.Line}: write one `key: value` a line");
            try
            {
                config = keys.Named(name).Set(config, value);
            }
            catch (UserErrorException error)
            {
                throw new UserErrorException($"{source}, line {keyNode.Start.Line}: {error.Message}", error);
            }
        }
        return config;
    }

    /// <summary>Writes every value that is set.</summary>
    public static void Write(string path, PretrainingConfig config) => Write(path, config, ConfigKeys.All);

    /// <inheritdoc cref="Write(string, PretrainingConfig)"/>
    internal static void Write<TConfig>(string path, TConfig config, IReadOnlyList<ConfigKey<TConfig>> keys) => AtomicFile.WriteAllText(path, ToYaml(config, keys));

    /// <summary>The configuration as YAML text.</summary>
    public static string ToYaml(PretrainingConfig config) => ToYaml(config, ConfigKeys.All);

    /// <summary>A configuration as YAML text.</summary>
    internal static string ToYaml<TConfig>(TConfig config, IReadOnlyList<ConfigKey<TConfig>> keys)
    {
        var mapping = new YamlMappingNode();
        foreach (ConfigKey<TConfig> key in keys)
        {
            if (key.Get(config) is { } value)
                mapping.Add(key.Name, value);
        }
        using var writer = new StringWriter { NewLine = "\n" };
        new YamlStream(new YamlDocument(mapping)).Save(writer, assignAnchors: false);
        return writer.ToString().Replace("\n...\n", "\n", StringComparison.Ordinal);
    }

    /// <summary>The keys and values of a text.</summary>
    /// <exception cref="UserErrorException">It is no YAML, or no mapping.</exception>
    internal static IEnumerable<KeyValuePair<YamlNode, YamlNode>> Mapping(string yaml, string source)
    {
        try
        {
            RequirePlain(yaml, source);
            var stream = new YamlStream();
            stream.Load(new StringReader(yaml));
            return stream.Documents switch
            {
                [] => [],
                [{ RootNode: YamlMappingNode mapping }] => mapping.Children,
                _ => throw new UserErrorException($"{source}: write one `key: value` a line"),
            };
        }
        catch (YamlException error)
        {
            throw new UserErrorException($"{source}, line {error.Start.Line}: {InputFile.Quotable(error.Message)}", error);
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException) // found by fuzzing: YamlDotNet throws these, too, at text that is no YAML
        {
            throw new UserErrorException($"{source}: cannot be read as YAML; write one `key: value` a line", error);
        }
    }

    /// <summary>Refuses what no configuration needs and what could exhaust the stack once it is a tree: deep nesting, and nodes that name others.</summary>
    private static void RequirePlain(string yaml, string source)
    {
        var parser = new Parser(new StringReader(yaml));
        for (int depth = 0; parser.MoveNext();)
        {
            ParsingEvent part = parser.Current!;
            depth += part.NestingIncrease;
            if (depth > Deepest || part is AnchorAlias or NodeEvent { Anchor.IsEmpty: false })
                throw new UserErrorException($"{source}, line {part.Start.Line}: nested too deeply, or an anchor (&, *), which no configuration needs; write it plainly");
        }
    }
}
