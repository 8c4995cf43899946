namespace OtoMask.Models;

/// <summary>The catalogue of frameworks. Commands, configurations, imports, studies and bench know those that are in it.</summary>
public static class KnownFrameworks
{
    private static readonly Lock Adding = new();
    private static IReadOnlyList<Framework> all = [Models.M2d.Framework, MaskedAutoencoder.Framework, Models.Eat.Framework];

    /// <summary>All of them, the default first.</summary>
    public static IReadOnlyList<Framework> All => all;

    /// <summary>Masked Modeling Duo.</summary>
    public static Framework M2d => Models.M2d.Framework;

    /// <summary>The masked autoencoder.</summary>
    public static Framework MsmMae => MaskedAutoencoder.Framework;

    /// <summary>EAT, the efficient audio transformer.</summary>
    public static Framework Eat => Models.Eat.Framework;

    /// <summary>Their names, for messages and help texts.</summary>
    public static IReadOnlyList<string> Names => [.. all.Select(framework => framework.Name)];

    /// <summary>Their names for people: <c>M2D, MSM-MAE and EAT</c>.</summary>
    internal static string Titles => $"{string.Join(", ", all.SkipLast(1).Select(framework => framework.Title))} and {all[^1].Title}";

    /// <summary>Adds a framework of a program's own: from then on its name is as good as any other, in configurations and when a run goes on. To be called as the program begins.</summary>
    /// <exception cref="ArgumentException">There is one of that name.</exception>
    public static void Add(Framework framework)
    {
        lock (Adding)
        {
            all = Names.Contains(framework.Name) ? throw new ArgumentException($"there is a framework {framework.Name} already", nameof(framework)) : [.. all, framework];
        }
    }

    /// <summary>The framework of a name.</summary>
    /// <exception cref="UserErrorException">There is none; the message names the nearest and lists all.</exception>
    public static Framework Find(string name) => all.FirstOrDefault(framework => framework.Name == name)
        ?? throw new UserErrorException($"no framework \"{name}\"{Nearest.Hint(name, [.. Names])} (there are {string.Join(", ", Names)})");
}
