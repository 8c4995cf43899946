using OtoMask.Studies;

namespace OtoMask.Tests.Studies;

/// <summary>Studies with known scores.</summary>
internal static class StudySamples
{
    public static readonly string[] Tasks = ["drums", "tones", "initials"];

    public static string Yaml(string seeds = "[1, 2, 3]", string frameworks = "{msm-mae: {}}", string arms = "{random: {mask: random}, dwm: {mask: dwm}}", string equalTime = "[]") =>
        $$"""
        tasks: [drums, tones, initials]
        seeds: {{seeds}}
        probe: tuned
        probe-seeds: [42, 43]
        frameworks: {{frameworks}}
        arms: {{arms}}
        equal-time: {{equalTime}}
        pretraining: {encoder: 48/2/3, decoder: 32/2/4, input: 80x96, steps: 100, batch: 8, precision: fp32}
        """;

    public static StudyConfig Config(string seeds = "[1, 2, 3]", string frameworks = "{msm-mae: {}}", string arms = "{random: {mask: random}, dwm: {mask: dwm}}", string equalTime = "[]") =>
        StudyFile.Parse(Yaml(seeds, frameworks, arms, equalTime), "study.yaml");

    /// <summary>The rows of a run on a task: two probes around the score, nearest neighbours ten points below.</summary>
    public static IEnumerable<StudyRow> Rows(string arm, ulong seed, string task, double score, string framework = "msm-mae", long steps = 100)
    {
        StudyRow Row(string probe, ulong? probeSeed, double value) =>
            new(framework, arm, seed, arm == StudyCell.Untrained ? 0 : steps, task, task == "drums" ? "events" : "speech", "accuracy", probe, probeSeed, value, "0123456789abcdef");
        return [Row("tuned", 42, score - 1), Row("tuned", 43, score + 1), Row(StudyRow.Knn, null, score - 10)];
    }

    /// <summary>The rows of one arm on every task: for each seed from 1 the scores of drums, tones and initials.</summary>
    public static IEnumerable<StudyRow> Arm(string arm, params (double Drums, double Tones, double Initials)[] seeds) =>
        seeds.Index().SelectMany(seed => ((double[])[seed.Item.Drums, seed.Item.Tones, seed.Item.Initials]).Zip(Tasks)
            .SelectMany(task => Rows(arm, (ulong)seed.Index + 1, task.Second, task.First)));

    public static StudyCost Cost(string arm, double step, double mask, bool inStep = false, string framework = "msm-mae") =>
        new(framework, arm, step, mask, inStep, ClipsPerSecond: 8000 / step, GigaflopsPerClip: inStep ? 0.3 : 0.2, PeakMegabytes: 400);
}
