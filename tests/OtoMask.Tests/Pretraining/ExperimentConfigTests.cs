using OtoMask.Pretraining;

namespace OtoMask.Tests.Pretraining;

/// <summary>Every experiment in configs/ is valid and opens with command, cost and expected scores.</summary>
public sealed class ExperimentConfigTests
{
    public static TheoryData<string> Experiments => [.. Directory.GetFiles(Path.Combine(Repository.Root, "configs"), "*.yaml").Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Experiments))]
    public void An_experiment_is_valid_and_says_what_it_takes(string name)
    {
        string path = Path.Combine(Repository.Root, "configs", name);
        PretrainingConfig config = ConfigFile.Read(path) with { Data = "somewhere" };
        config.Validate();

        string header = string.Concat(File.ReadLines(path).TakeWhile(line => line.StartsWith('#')));
        Assert.Matches($@"otomask (pretrain --config configs/{name} |demo)", header);
        Assert.Contains("cost", header, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("expected", header, StringComparison.OrdinalIgnoreCase);
    }
}
