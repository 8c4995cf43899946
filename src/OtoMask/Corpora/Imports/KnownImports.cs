namespace OtoMask.Corpora.Imports;

/// <summary>The field's data sets that can be imported from a local copy (docs/evaluation.md section 3).</summary>
internal static class KnownImports
{
    /// <summary>All of them, by family.</summary>
    public static IReadOnlyList<ImportRecipe> All { get; } =
    [
        Esc50.Recipe,
        UrbanSound8k.Recipe,
        Fsd50k.Recipe,
        AudioSet.Whole,
        AudioSet.Balanced,
        SpeechCommands.Recipe,
        VoxCeleb1.Recipe,
        VoxForge.Recipe,
        CremaD.Recipe,
        SpokenDigits.Recipe,
        Gtzan.Recipe,
        NSynth.Recipe,
        SurgePitch.Recipe,
    ];

    /// <summary>The data set called <paramref name="name"/>.</summary>
    /// <exception cref="UserErrorException">There is none; the message names the nearest and all there are.</exception>
    public static ImportRecipe Find(string name)
    {
        string[] names = [.. All.Select(recipe => recipe.Name)];
        return All.FirstOrDefault(recipe => recipe.Name == name)
            ?? throw new UserErrorException($"no data set is called '{name}'{Nearest.Hint(name, names)} (there are {string.Join(", ", names)})");
    }
}
