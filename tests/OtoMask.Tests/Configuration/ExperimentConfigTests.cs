using OtoMask.Configuration;
using OtoMask.Corpora;
using OtoMask.FineTuning;
using OtoMask.Studies;

namespace OtoMask.Tests.Configuration;

/// <summary>Every experiment in configs/ is valid and opens with command, cost and expected scores.</summary>
public sealed class ExperimentConfigTests
{
    private const string StudyPrefix = "study-", FineTuningPrefix = "finetune-";

    public static TheoryData<string> Experiments => [.. Names.Where(name => !name.StartsWith(StudyPrefix, StringComparison.Ordinal) && !name.StartsWith(FineTuningPrefix, StringComparison.Ordinal))];

    public static TheoryData<string> FineTunings => [.. Names.Where(name => name.StartsWith(FineTuningPrefix, StringComparison.Ordinal))];

    public static TheoryData<string> Studies => [.. Names.Where(name => name.StartsWith(StudyPrefix, StringComparison.Ordinal))];

    private static IEnumerable<string> Names => Directory.GetFiles(Path.Combine(Repository.Root, "configs"), "*.yaml").Select(path => Path.GetFileName(path));

    [Theory]
    [MemberData(nameof(Experiments))]
    public void An_experiment_is_valid_and_says_what_it_takes(string name)
    {
        string path = Path.Combine(Repository.Root, "configs", name);
        PretrainingConfig config = ConfigFile.Read(path) with { Data = "somewhere" };
        config.Validate();

        RequireHeader(path, $@"otomask (pretrain --config configs/{name} |demo)");
    }

    [Theory]
    [MemberData(nameof(Studies))]
    public void A_study_is_valid_and_says_what_it_takes(string name)
    {
        string path = Path.Combine(Repository.Root, "configs", name);
        StudyConfig study = StudyFile.Read(path);

        Assert.All(study.Tasks, task => KnownTasks.Find(task.Name));
        RequireHeader(path, $"otomask study configs/{name} --out ");
    }

    [Theory]
    [MemberData(nameof(FineTunings))]
    public void A_fine_tuning_is_valid_and_says_what_it_takes(string name)
    {
        string path = Path.Combine(Repository.Root, "configs", name);
        (ConfigFile.Read(path, FineTuningKeys.All, new FineTuningConfig()) with { Checkpoint = "somewhere", Task = "some.csv" }).Validate();
        RequireHeader(path, $"otomask finetune RUN --config configs/{name} --task ");
    }

    private static void RequireHeader(string path, string command)
    {
        string header = string.Concat(File.ReadLines(path).TakeWhile(line => line.StartsWith('#')));
        Assert.Matches(command, header);
        Assert.Contains("cost", header, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("expected", header, StringComparison.OrdinalIgnoreCase);
    }
}
