using System.Text.Json.Nodes;
using OtoMask.App.Reports;
using OtoMask.Configuration;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Randomness;
using OtoMask.Runs;
using OtoMask.Studies;
using OtoMask.Studies.Masks;

namespace OtoMask.Tests.Reports;

/// <summary>A study's folder made up: scores around known means, logs, confusions, costs and masks, without training anything.</summary>
internal sealed class SyntheticStudy : IDisposable
{
    public static readonly string[] Frameworks = ["msm-mae", "m2d"], Arms = ["random", "inverse-block", "sgim", "dwm"];

    private const string Yaml =
        """
        # what a study of two frameworks looks like
        tasks: [drums, tones, speakers, instruments]
        seeds: [1, 2, 3]
        frameworks: {msm-mae: {}, m2d: {}}
        arms:
          random: {mask: random}
          inverse-block: {mask: inverse-block}
          sgim: {mask: sgim}
          dwm: {mask: dwm}
        equal-time: [sgim]
        follow: [drums]
        pretraining: {steps: 600, precision: fp32, input: 80x256}
        """;

    private static readonly (string Name, string Family, string[] Classes)[] Tasks =
    [
        ("drums", "events", ["crash", "kick", "snare", "hand drum", "closed hat"]), ("tones", "speech", ["1", "2", "3", "4"]),
        ("speakers", "speech", [.. Enumerable.Range(0, 15).Select(i => $"voice {i}")]), ("instruments", "music", [.. Enumerable.Range(0, 16).Select(i => $"family{i}")]),
    ];

    private static readonly ulong[] Seeds = [1, 2, 3];

    /// <param name="isComplete">Whether every run was probed; else the second framework's last seed is missing.</param>
    public SyntheticStudy(bool isComplete = true)
    {
        Folder = new StudyFolder(Directory.CreateTempSubdirectory("otomask-study-").FullName);
        File.WriteAllText(Folder.Config, Yaml);
        (string Framework, string Arm, ulong Seed)[] cells =
        [
            .. from framework in Frameworks
               from seed in Seeds
               from arm in (string[])[StudyCell.Untrained, .. Arms, "sgim" + StudyPlan.EqualTimeSuffix]
               where isComplete || framework != "m2d" || seed != 3
               select (framework, arm, seed),
        ];
        JsonLines.Append(Folder.Rows, cells.SelectMany(cell => Tasks.Select((task, i) => (cell, task, i)), (_, item) => item).SelectMany(item => Rows(item.cell.Framework, item.cell.Arm, item.cell.Seed, item.i)));
        JsonLines.Append(Folder.Confusions, cells.SelectMany(cell => Tasks.Select(task => Confusion(cell.Framework, cell.Arm, cell.Seed, task.Name, task.Classes))));
        JsonLines.Append(Folder.Costs, from framework in Frameworks from arm in Arms select Cost(framework, arm));
        JsonLines.Append(Folder.Provenance,
        [
            new StudyProvenance([.. Tasks.Select(task => new TaskProvenance(task.Name, task.Family, task.Classes.Length, 1000, 200, "0123456789abcdef"))], 24_600, "fedcba9876543210", "0.1.0", "2 cores"),
        ]);
        foreach ((string framework, string arm, ulong seed) in cells.Where(cell => cell.Arm != StudyCell.Untrained))
            WriteLog(framework, arm, seed);
        Masks().Write(Folder);
    }

    public StudyFolder Folder { get; }

    public void Dispose() => Directory.Delete(Folder.Path, recursive: true);

    /// <summary>The mean that the scores of an arm on a task lie around, seeds alternating by 0.6 points and probe seeds by 0.2.</summary>
    public static double Mean(string arm, int task) => 50 + 8 * task + arm switch
    {
        StudyCell.Untrained => 0,
        "random" => 8,
        "inverse-block" => task == 0 ? 10 : 7,
        "sgim" => 8.5,
        "dwm" => 10,
        _ => 6.5,
    };

    private static IEnumerable<StudyRow> Rows(string framework, string arm, ulong seed, int task)
    {
        double score = Mean(arm, task) + (framework == "m2d" ? 1.5 : 0) + .6 * ((double)seed - 2) + .3 * Math.Cos(7.0 * seed + task + arm.Length);
        StudyRow Row(string probe, ulong? probeSeed, double value) => new(
            framework, arm, seed, arm.EndsWith(')') ? 200 : 600, Tasks[task].Name, Tasks[task].Family, "accuracy", probe, probeSeed, value, "0123456789abcdef");
        return [Row("tuned", 42, score - .2), Row("tuned", 43, score), Row("tuned", 44, score + .2), Row(StudyRow.Knn, null, score - 10)];
    }

    /// <summary>Seven of ten right, the rest taken for the next class; 30 test clips of each.</summary>
    private static StudyConfusion Confusion(string framework, string arm, ulong seed, string task, string[] classes) => new(
        framework, arm, seed, task, classes, [.. classes.Select((_, row) => classes.Select((_, column) => column == row ? 21 : column == (row + 1) % classes.Length ? 9 : 0).ToArray())]);

    private static StudyCost Cost(string framework, string arm) => arm == "sgim"
        ? new StudyCost(framework, arm, 330, 210, true, 380, .61, 900)
        : new StudyCost(framework, arm, 110, arm == "dwm" ? 1.9 : .4, false, 1150, .31, 820);

    private void WriteLog(string framework, string arm, ulong seed)
    {
        RunFolder run = Folder.RunOf(new StudyCell(framework, arm, new PretrainingConfig { Seed = seed }));
        Directory.CreateDirectory(run.Path);
        var random = new RandomStream(seed, RandomPurpose.Mask, arm.Length);
        List<string> lines = [];
        for (int step = 1; step <= (arm.EndsWith(')') ? 200 : 600); step++)
        {
            double loss = .5 + (arm == "dwm" ? .06 : 0) + .6 * Math.Exp(-step / 110.0) + .03 * random.NextNormal();
            lines.Add(new JsonObject { ["kind"] = "step", ["step"] = step, ["epoch"] = step / 60, ["loss"] = loss, ["lr"] = 1e-4, ["hint"] = 1 }.ToJsonString());
            if (step % 100 != 0)
                continue;
            foreach ((string metric, double value) in new[] { ("rankme", 20 + 3 * Math.Sqrt(step) + seed), ("cev_auc", .8 - step / 5000.0), ("knn/drums", 40 + step / 30.0 + seed) })
                lines.Add(new JsonObject { ["kind"] = "evaluation", ["step"] = step, ["epoch"] = step / 60, ["metric"] = metric, ["value"] = value }.ToJsonString());
        }
        File.WriteAllLines(run.Log, lines);
    }

    /// <summary>random, inverse-block and dwm by the strategies themselves on a synthetic clip; sgim has no encoder here.</summary>
    private static StudyMasks Masks()
    {
        ClipPicture picture = SyntheticReports.Clip("", 256, 3).Picture;
        double[] progress = [0, .5, 1], hints = [1, .75, 0];
        var patches = new float[picture.LogMel.Length];
        PatchCutter.Cut(picture.LogMel, picture.Bands, picture.Frames, 16, 16, patches);
        ArmMasks Of(string framework, string arm)
        {
            IMaskingStrategy strategy = KnownMaskings.Find(arm).CreateDataStrategy()!;
            double ratio = framework == "m2d" ? .7 : .75;
            PatchMask Draw(int step, int draw) => strategy.Sample(
                new PatchView(picture.Grid, 256, patches), new MaskingContext(ratio, arm == "dwm" ? hints[step] : 0, new RandomStream(1, RandomPurpose.Mask, step, draw), new RandomStream(1, RandomPurpose.BatchMask)));
            double[] Frequency(int step) => [.. Enumerable.Range(0, 100).SelectMany(draw => Draw(step, draw).Masked).Concat(Enumerable.Range(0, picture.Grid.Count))
                .GroupBy(id => id).OrderBy(id => id.Key).Select(id => (id.Count() - 1) / 100.0)];
            return new ArmMasks(
                framework, arm, arm, ratio, arm == "dwm" ? hints : [0, 0, 0], [.. progress.Select((_, step) => Frequency(step))],
                [.. progress.Select((_, step) => Enumerable.Range(0, 10).Select(tenth => ratio + (arm == "dwm" ? (1 - hints[step]) * .04 * (tenth - 4.5) : 0)).ToArray())],
                [.. Enumerable.Range(0, 3).Select(clip => progress.Select((_, step) => Draw(step, 100 + clip).Masked).ToArray())]);
        }
        string[] inOrder = ["random", "inverse-block", "dwm"];
        return new StudyMasks(
            "key", 100, "80x256", "16x16", 16000, progress,
            [.. new[] { ("events", "drums"), ("speech", "tones"), ("music", "instruments") }.Select((clip, i) =>
                new MaskedClip(clip.Item2, clip.Item1, SyntheticReports.HostileName, "a label", SyntheticReports.Clip("", 256, (ulong)i + 3).Picture.LogMel))],
            [.. from framework in Frameworks from arm in inOrder select Of(framework, arm)],
            [.. Frameworks.Select(framework => $"{framework}, sgim: it reads the encoder's features, and no run of it has left a checkpoint here")]);
    }
}
