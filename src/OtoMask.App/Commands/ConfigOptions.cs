using System.CommandLine;
using OtoMask.Configuration;

namespace OtoMask.App.Commands;

/// <summary>Values of a configuration as options of a command, named and explained by its keys.</summary>
/// <typeparam name="TConfig">The configuration.</typeparam>
/// <param name="keys">One option each.</param>
internal sealed class ConfigOptions<TConfig>(IReadOnlyList<ConfigKey<TConfig>> keys)
{
    private readonly (ConfigKey<TConfig> Key, Option<string> Option)[] options =
    [
        .. keys.Select(key => (key, new Option<string>($"--{key.Name}")
        {
            Description = $"{char.ToUpperInvariant(key.Help[0])}{key.Help[1..]}{(key.Range is { } range ? $", {range}" : "")}.",
            HelpName = key.Placeholder,
        })),
    ];

    public void AddTo(Command command)
    {
        foreach ((_, Option<string> option) in options)
            command.Options.Add(option);
    }

    /// <summary>Names of the keys that the command line says something about.</summary>
    public IReadOnlySet<string> Given(ParseResult line) =>
        options.Where(pair => line.GetValue(pair.Option) is not null).Select(pair => pair.Key.Name).ToHashSet();

    /// <summary>The configuration with what the command line says.</summary>
    /// <exception cref="UserErrorException">A value is not what its key takes, or two options say the same thing; the message names the option.</exception>
    public TConfig Read(ParseResult line, TConfig config)
    {
        keys.RequireOneWay(Given(line), "--");
        foreach ((ConfigKey<TConfig> key, Option<string> option) in options)
        {
            if (line.GetValue(option) is not { } text)
                continue;
            try
            {
                config = key.Set(config, text);
            }
            catch (UserErrorException error)
            {
                throw new UserErrorException($"--{error.Message}", error);
            }
        }
        return config;
    }

    /// <summary>The configuration that comes of a command line and whatever else decides, unless an option changes nothing in it.</summary>
    /// <exception cref="UserErrorException">An option has no effect; the message names it.</exception>
    public TConfig InEffect(ParseResult line, TConfig config)
    {
        keys.RequireEffect(config, Given(line), "--");
        return config;
    }
}

/// <summary>Values of a pre-training run as options.</summary>
internal static class ConfigOptions
{
    /// <summary>One option for each value, or for those of the given names.</summary>
    public static ConfigOptions<PretrainingConfig> Of(params string[] names) =>
        new([.. ConfigKeys.All.Where(key => names.Length == 0 || names.Contains(key.Name))]);
}
