using OtoMask.Configuration;
using OtoMask.Evaluation;
using OtoMask.FineTuning;
using OtoMask.Models;

namespace OtoMask.Studies;

/// <summary>A value of the pre-training configuration that differs from the study's common ones: a key and its text, as a configuration file has them.</summary>
/// <param name="Key">For example <c>mask-ratio</c>.</param>
/// <param name="Value">For example <c>0.7</c>.</param>
public readonly record struct Setting(string Key, string Value);

/// <summary>One thing to compare: a masking strategy, or a strategy with a schedule or ratio of its own.</summary>
/// <param name="Name">As tables call it, for example <c>dwm</c> or <c>dwm k=4</c>.</param>
/// <param name="Settings">What it sets.</param>
public sealed record StudyArm(string Name, IReadOnlyList<Setting> Settings);

/// <summary>One framework of the study.</summary>
/// <param name="Framework">How hidden patches are predicted.</param>
/// <param name="Settings">What all its runs set.</param>
public sealed record StudyFramework(Framework Framework, IReadOnlyList<Setting> Settings)
{
    /// <summary>As configurations and tables call it, for example <c>msm-mae</c>.</summary>
    public string Name => Framework.Name;
}

/// <summary>A task to probe: one that OtoMask knows how to assemble, or a CSV.</summary>
/// <param name="Name">Name of a known task, or path of a CSV.</param>
/// <param name="Family">events, speech, music or a word of the user's; null leaves it to the known task.</param>
/// <param name="Seconds">Unit length of its clips (docs/data-import.md has those of the field); null = what fills the model's input.</param>
public sealed record StudyTaskName(string Name, string? Family, double? Seconds = null);

/// <summary>
/// A study as its file tells it: every framework with every arm and every seed is pre-trained and then probed on every task. At one
/// seed all arms have the same first weights and see the same crops in the same order, so that their differences are paired.
/// </summary>
public sealed record StudyConfig
{
    /// <summary>The word for <see cref="Data"/> that stands for the pool of the small benchmark; <c>unlabelled-long</c> is that of clips that fill 2.5 s.</summary>
    public const string Unlabelled = "unlabelled";

    /// <summary>What to pre-train on: the name of a pool, such as <see cref="Unlabelled"/>, or what <c>pretrain --data</c> takes.</summary>
    public string Data { get; init; } = Unlabelled;

    /// <summary>What to probe on.</summary>
    public required IReadOnlyList<StudyTaskName> Tasks { get; init; }

    /// <summary>Seeds of the pre-training; each is a replicate.</summary>
    public required IReadOnlyList<ulong> Seeds { get; init; }

    /// <summary>How probes are fitted.</summary>
    public ProbeMode Probe { get; init; } = ProbeMode.Tuned;

    /// <summary>Seeds of the probes: averaged over, no replicates.</summary>
    public IReadOnlyList<ulong> ProbeSeeds { get; init; } = [42, 43, 44];

    /// <summary>Whether an attentive probe is fitted, too.</summary>
    public bool Attentive { get; init; }

    /// <summary>Numbers of clips a class by which test clips are told, too.</summary>
    public IReadOnlyList<int> Shots { get; init; } = [];

    /// <summary>What fine-tunings set, where every encoder is fine-tuned on every task, too; null = none is.</summary>
    public IReadOnlyList<Setting>? FineTuning { get; init; }

    /// <summary>The frameworks, in the order in which they are run.</summary>
    public required IReadOnlyList<StudyFramework> Frameworks { get; init; }

    /// <summary>What is compared.</summary>
    public required IReadOnlyList<StudyArm> Arms { get; init; }

    /// <summary>Name of the arm that the others are compared with.</summary>
    public string Baseline { get; init; } = "random";

    /// <summary>Names of arms that are run once more with only as many steps as the baseline's time allows.</summary>
    public IReadOnlyList<string> EqualTime { get; init; } = [];

    /// <summary>Names of tasks whose k-NN accuracy is followed during training.</summary>
    public IReadOnlyList<string> Follow { get; init; } = [];

    /// <summary>What all runs share.</summary>
    public required IReadOnlyList<Setting> Pretraining { get; init; }

    /// <summary>Where everything is computed, whatever the runs set; null leaves it to them.</summary>
    public string? Device { get; init; }

    /// <summary>Who computes the bfloat16 products of runs that do not say; null leaves it to them.</summary>
    internal Bf16By? Bf16By { get; init; }

    /// <summary>Names of everything that is probed in a framework: the untrained network, the arms, those at equal time.</summary>
    public IReadOnlyList<string> ArmNames => [StudyCell.Untrained, .. Arms.Select(arm => arm.Name), .. EqualTime.Select(arm => arm + StudyPlan.EqualTimeSuffix)];

    /// <summary>The names that rows have of the probes beside the linear one and nearest neighbours.</summary>
    internal IReadOnlyList<string> MoreProbes => [.. Attentive ? (string[])[StudyRow.Attentive] : [], .. Shots.Select(StudyRow.FewShot), .. FineTuning is null ? (string[])[] : [StudyRow.FineTuned]];

    /// <summary>What every cell is probed by on every task: names as rows have them, with the seeds.</summary>
    internal IEnumerable<(string Probe, ulong? Seed)> Probes =>
    [
        .. ProbeSeeds.Select(seed => (LinearProbe, (ulong?)seed)), (StudyRow.Knn, null),
        .. Attentive ? ProbeSeeds.Select(seed => (StudyRow.Attentive, (ulong?)seed)) : [], .. Shots.Select(shots => (StudyRow.FewShot(shots), (ulong?)null)),
        .. FineTuning is null ? [] : (IEnumerable<(string, ulong?)>)[(StudyRow.FineTuned, null)],
    ];

    /// <summary>The name that rows have of the linear probe.</summary>
    internal string LinearProbe => Probe.ToString().ToLowerInvariant();

    /// <summary>Names of the tasks; that of a CSV is its file's.</summary>
    public IReadOnlyList<string> TaskNames => [.. Tasks.Select(task => Path.GetFileNameWithoutExtension(task.Name))];

    /// <summary>Refuses an impossible study before any work.</summary>
    /// <exception cref="UserErrorException">Names the value and what to do.</exception>
    public StudyConfig Validate()
    {
        Require(Tasks.Count > 0, "tasks: name at least one task");
        Require(Seeds.Count > 0, "seeds: give at least one; three are the fewest from which an interval says something");
        Require(ProbeSeeds.Count > 0, "probe-seeds: give at least one");
        Require(Frameworks.Count > 0, "frameworks: name msm-mae, m2d or both");
        Require(Arms.Any(arm => arm.Name == Baseline), $"baseline: '{Baseline}' is none of the arms ({string.Join(", ", Arms.Select(arm => arm.Name))})");
        RequireDifferent("seeds", Seeds);
        RequireDifferent("probe-seeds", ProbeSeeds);
        RequireDifferent("shots", Shots);
        foreach (int shots in Shots)
            PrototypeProbe.ShotRange.Require("shots", shots);
        RequireDifferent("tasks", TaskNames);
        RequireDifferent("frameworks", Frameworks.Select(framework => framework.Name));
        RequireDifferent("arms, in which upper and lower case are the same, for their folders", ArmNames, StringComparer.OrdinalIgnoreCase);
        foreach (string name in EqualTime)
            Require(name != Baseline && Arms.Any(arm => arm.Name == name), $"equal-time: '{name}' is none of the arms beside the baseline");
        foreach (string name in Follow)
            Require(TaskNames.Contains(name), $"follow: '{name}' is none of the tasks");
        foreach (StudyFramework framework in Frameworks)
        {
            foreach (StudyArm arm in Arms)
            {
                PretrainingConfig config = Configure(framework, arm, Seeds[0]) with { Data = "data" };
                Require(config.Steps is not null, $"{framework.Name}, {arm.Name}: give `steps`, so that every run has the same length on every machine");
                Require(config.Precision != Precision.Auto, "precision: choose fp32 or bf16; auto could differ from run to run");
                config.Validate();
            }
        }
        RequireEffect();
        if (FineTuning is not null)
            ConfigureFineTuning(Seeds[0]).Validate();
        return this;
    }

    /// <summary>Refuses a setting that changes nothing in any run it is of.</summary>
    private void RequireEffect()
    {
        Require(Follow.Count == 0 || Each(Frameworks, Arms).Any(config => config.EvaluateEvery > 0), "follow has no effect: evaluate-every 0 never evaluates; leave it out");
        Look("pretraining", Pretraining, Frameworks, Arms);
        foreach (StudyFramework framework in Frameworks)
            Look($"frameworks, {framework.Name}", framework.Settings, [framework], Arms);
        foreach (StudyArm arm in Arms)
            Look($"arms, {arm.Name}", arm.Settings, Frameworks, [arm]);

        IEnumerable<PretrainingConfig> Each(IReadOnlyList<StudyFramework> frameworks, IReadOnlyList<StudyArm> arms) =>
            from framework in frameworks from arm in arms select Configure(framework, arm, Seeds[0]);

        void Look(string where, IReadOnlyList<Setting> settings, IReadOnlyList<StudyFramework> frameworks, IReadOnlyList<StudyArm> arms)
        {
            foreach (ConfigKey<PretrainingConfig> key in settings.Select(setting => ConfigKeys.Find(setting.Key)))
            {
                string?[] idle = [.. Each(frameworks, arms).Select(key.Idle).Distinct()];
                Require(idle.Contains(null), $"{where}: {key.Name} has no effect: {string.Join(", ", idle)}; leave it out");
            }
        }
    }

    /// <summary>The configuration of one run; its data is the caller's.</summary>
    public PretrainingConfig Configure(StudyFramework framework, StudyArm arm, ulong seed)
    {
        PretrainingConfig config = Set(ConfigKeys.All, new PretrainingConfig(), [.. Pretraining, .. framework.Settings, .. arm.Settings]);
        config = config with { Framework = framework.Framework, Seed = seed, Device = Device ?? config.Device };
        return config with { Bf16By = config.Bf16By ?? Bf16ByOf(config.Precision) };
    }

    /// <summary>The configuration of a fine-tuning; checkpoint, task and unit length are the caller's.</summary>
    internal FineTuningConfig ConfigureFineTuning(ulong seed)
    {
        FineTuningConfig config = Set(FineTuningKeys.All, new FineTuningConfig { Checkpoint = "encoder", Task = "task" }, FineTuning!);
        return config with { Seed = seed, Device = Device ?? config.Device, Bf16By = config.Bf16By ?? Bf16ByOf(config.Precision) };
    }

    private Bf16By? Bf16ByOf(Precision precision) => precision == Precision.Bf16 ? Bf16By : null;

    private static TConfig Set<TConfig>(IReadOnlyList<ConfigKey<TConfig>> keys, TConfig start, IReadOnlyList<Setting> settings) =>
        settings.Aggregate(start, (config, setting) => keys.Named(setting.Key).Set(config, setting.Value));

    private static void RequireDifferent<T>(string what, IEnumerable<T> values, IEqualityComparer<T>? comparer = null)
    {
        foreach (IGrouping<T, T> twice in values.GroupBy(value => value, comparer).Where(same => same.Count() > 1))
            throw new UserErrorException($"{what}: {twice.Key} stands there {twice.Count()} times; once is enough");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new UserErrorException(message);
    }
}
