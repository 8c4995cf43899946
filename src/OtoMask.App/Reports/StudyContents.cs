using OtoMask.Configuration;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Studies;
using OtoMask.Studies.Masks;
using OtoMask.Studies.Results;

namespace OtoMask.App.Reports;

/// <summary>The log of one of a study's runs.</summary>
/// <param name="Framework">For example <c>msm-mae</c>.</param>
/// <param name="Arm">For example <c>dwm</c>.</param>
/// <param name="Seed">Seed of the pre-training.</param>
/// <param name="Log">Its rows so far.</param>
internal sealed record StudyRunLog(string Framework, string Arm, ulong Seed, RunLog Log);

/// <summary>Everything in a study's folder that its page tells.</summary>
internal sealed record StudyContents
{
    /// <summary>Name of the folder.</summary>
    public required string Name { get; init; }

    /// <summary>The study's file.</summary>
    public required string Yaml { get; init; }

    /// <summary>What was found so far.</summary>
    public required StudyResults Results { get; init; }

    /// <summary>All scores.</summary>
    public required IReadOnlyList<StudyRow> Rows { get; init; }

    /// <summary>True against predicted classes.</summary>
    public required IReadOnlyList<StudyConfusion> Confusions { get; init; }

    /// <summary>The logs of the runs that have one here.</summary>
    public required IReadOnlyList<StudyRunLog> Logs { get; init; }

    /// <summary>Where the arms mask; null where it was not computed yet.</summary>
    public StudyMasks? Masks { get; init; }

    /// <summary>What it was measured on and with; null where the folder does not say.</summary>
    public StudyProvenance? Provenance { get; init; }

    /// <summary>Who was found to compute bfloat16 faster; null where nothing was to choose.</summary>
    public Bf16Choice? Bf16 { get; init; }

    /// <summary>The study that was asked for.</summary>
    public StudyConfig Config => Results.Config;

    /// <summary>The look of an arm's dots and curves, the same on every chart of the page: grey for the untrained network, at equal time the arm's colour and shape, hollow.</summary>
    public int StyleOf(string arm)
    {
        const int Looks = 7, Grey = 6;
        if (arm == StudyCell.Untrained)
            return Grey;
        int place = Config.Arms.Select(known => known.Name).ToList().IndexOf(StudyPlan.ArmOf(arm));
        int style = place / Grey * Looks + place % Grey, rounds = (Config.Arms.Count + Grey - 1) / Grey;
        return arm == StudyPlan.ArmOf(arm) ? style : style + rounds * Looks;
    }

    /// <summary>Reads a folder as it stands, finished or not.</summary>
    /// <exception cref="UserErrorException">There is no study, or a file of it is damaged.</exception>
    public static StudyContents Read(StudyFolder folder)
    {
        StudyResults results = StudyResults.Read(folder);
        return new StudyContents
        {
            Name = Path.GetFileName(Path.GetFullPath(folder.Path)),
            Yaml = InputFile.ReadText(folder.Config, InputFile.LargestTable),
            Results = results,
            Rows = JsonLines.Read<StudyRow>(folder.Rows),
            Confusions = JsonLines.Read<StudyConfusion>(folder.Confusions),
            Masks = StudyMasks.Read(folder),
            Provenance = JsonLines.Read<StudyProvenance>(folder.Provenance).LastOrDefault(),
            Bf16 = JsonLines.Read<Bf16Choice>(folder.Bf16Choice).FirstOrDefault(),
            Logs =
            [
                .. from framework in results.Config.Frameworks
                   from arm in results.Config.ArmNames
                   from seed in results.Config.Seeds
                   let log = folder.RunOf(new StudyCell(framework.Name, arm, new PretrainingConfig { Seed = seed })).Log
                   where File.Exists(log)
                   select new StudyRunLog(framework.Name, arm, seed, RunLog.Read(log)),
            ],
        };
    }
}
