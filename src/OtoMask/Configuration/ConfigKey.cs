using System.Globalization;

namespace OtoMask.Configuration;

/// <summary>One value of a configuration, as YAML and programs name it.</summary>
/// <typeparam name="TConfig">The configuration, a record that <c>with</c> changes.</typeparam>
/// <param name="Name">For example <c>base-lr</c>.</param>
/// <param name="Placeholder">What a value looks like.</param>
/// <param name="Help">One line of explanation.</param>
/// <param name="Get">Its text, or null where it is not set.</param>
/// <param name="Read">The configuration with the value that a text stands for, whatever its size.</param>
internal sealed record ConfigKey<TConfig>(string Name, string Placeholder, string Help, Func<TConfig, string?> Get, Func<TConfig, string, TConfig> Read)
{
    /// <summary>The numbers that the value may be; null where it is no number, or where something else says which.</summary>
    public NumberRange? Range { get; init; }

    /// <summary>Whether a run computes the same with any value, so that it can be given anew when the run is resumed.</summary>
    public bool ChangesNoResult { get; init; }

    /// <summary>Whether it is where data lies: a run may find the same data elsewhere, which its checkpoint knows by a hash.</summary>
    public bool IsPlace { get; init; }

    /// <summary>Why a value of it changes nothing in a configuration; null where it does change something.</summary>
    public Func<TConfig, string?> Idle { get; init; } = _ => null;

    /// <summary>What it is one of several ways to say, of which one place gives at most one; null where it is the only way.</summary>
    public string? Says { get; init; }

    /// <summary>Whether it stays for the whole run: what the run began with, counts by, or what its score means.</summary>
    public bool IsSettled { get; init; }

    /// <summary>The configuration with the value that a text stands for.</summary>
    /// <exception cref="UserErrorException">The text is no such value; the message begins with the name.</exception>
    public TConfig Set(TConfig config, string text)
    {
        TConfig changed = Read(config, text);
        Range?.Require(Name, ConfigText.Number(Name, text));
        return changed;
    }

    /// <summary>Refuses a configuration whose value is out of range.</summary>
    /// <exception cref="UserErrorException">It is.</exception>
    public void RequireInRange(TConfig config)
    {
        if (Range is { } range && Get(config) is { } text)
            range.Require(Name, double.Parse(text, CultureInfo.InvariantCulture));
    }
}

/// <summary>The keys of one kind of configuration.</summary>
internal static class ConfigKeyList
{
    /// <summary>The key of a name.</summary>
    /// <exception cref="UserErrorException">There is none; the message names one that is near, or else all.</exception>
    public static ConfigKey<TConfig> Named<TConfig>(this IReadOnlyList<ConfigKey<TConfig>> keys, string name) =>
        keys.FirstOrDefault(key => key.Name == name)
        ?? throw new UserErrorException(
            $"unknown key '{name}'{Nearest.Hint(name, keys.Select(key => key.Name), $"; the keys are {string.Join(", ", keys.Select(key => key.Name))}")}");

    /// <summary>Refuses keys that say the same thing in different ways, of which only one could be heeded.</summary>
    /// <param name="keys">All keys.</param>
    /// <param name="given">Names of those that one place gives.</param>
    /// <param name="prefix">What stands before a name there, for example <c>--</c>.</param>
    /// <exception cref="UserErrorException">Two of them are ways to say the same.</exception>
    public static void RequireOneWay<TConfig>(this IReadOnlyList<ConfigKey<TConfig>> keys, IEnumerable<string> given, string prefix = "")
    {
        HashSet<string> names = [.. given];
        foreach (IGrouping<string?, ConfigKey<TConfig>> ways in keys.Where(key => key.Says is not null).GroupBy(key => key.Says))
        {
            if (ways.Count(key => names.Contains(key.Name)) > 1)
                throw new UserErrorException($"{string.Join(", ", ways.SkipLast(1).Select(key => prefix + key.Name))} and {prefix}{ways.Last().Name} are {ways.Count()} ways to give one {ways.Key}: choose one");
        }
    }

    /// <summary>Refuses what somebody says that changes nothing in the configuration that comes of it.</summary>
    /// <param name="keys">All keys.</param>
    /// <param name="config">The configuration, whole.</param>
    /// <param name="said">Names of the keys that are said.</param>
    /// <param name="prefix">What stands before a name where it is said, for example <c>--</c>.</param>
    /// <exception cref="UserErrorException">One of them has no effect; the message says why.</exception>
    public static void RequireEffect<TConfig>(this IReadOnlyList<ConfigKey<TConfig>> keys, TConfig config, IEnumerable<string> said, string prefix = "")
    {
        foreach (ConfigKey<TConfig> key in said.Select(keys.Named))
        {
            if (key.Idle(config) is { } why)
                throw new UserErrorException($"{prefix}{key.Name} has no effect: {why}; leave it out");
        }
    }

    /// <summary>Refuses a configuration of which a value is out of its range.</summary>
    /// <exception cref="UserErrorException">Names the value and the range.</exception>
    public static void RequireInRange<TConfig>(this IReadOnlyList<ConfigKey<TConfig>> keys, TConfig config)
    {
        foreach (ConfigKey<TConfig> key in keys)
            key.RequireInRange(config);
    }

    /// <summary>The values that are set, by key.</summary>
    public static Dictionary<string, string> ToDictionary<TConfig>(this IReadOnlyList<ConfigKey<TConfig>> keys, TConfig config) =>
        keys.Where(key => key.Get(config) is not null).ToDictionary(key => key.Name, key => key.Get(config)!);

    /// <summary>A configuration with the values that a checkpoint tells.</summary>
    /// <param name="keys">The keys that it may name.</param>
    /// <param name="values">The values by key.</param>
    /// <param name="start">Has the values of the others.</param>
    /// <param name="writtenBy">The program that wrote the checkpoint, for messages.</param>
    /// <exception cref="UserErrorException">A key is unknown or its value is impossible.</exception>
    public static TConfig Parse<TConfig>(this IReadOnlyList<ConfigKey<TConfig>> keys, IReadOnlyDictionary<string, string> values, TConfig start, string writtenBy) =>
        values.Aggregate(start, (config, pair) => (keys.FirstOrDefault(key => key.Name == pair.Key)
            ?? throw new UserErrorException($"its configuration has the unknown key '{pair.Key}'; it is from {writtenBy}, use that")).Set(config, pair.Value ?? ""));
}
