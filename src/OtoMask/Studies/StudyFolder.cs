using OtoMask.Pretraining;

namespace OtoMask.Studies;

/// <summary>What a study leaves behind, in one folder.</summary>
/// <param name="path">The folder.</param>
public sealed class StudyFolder(string path)
{
    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>The study, resolved: what <c>otomask study</c> takes.</summary>
    public string Config => Inside("study.yaml");

    /// <summary>A <see cref="StudyRow"/> a line.</summary>
    public string Rows => Inside("rows.jsonl");

    /// <summary>A <see cref="StudyCost"/> a line.</summary>
    public string Costs => Inside("costs.jsonl");

    /// <summary>A <see cref="StudyConfusion"/> a line.</summary>
    public string Confusions => Inside("confusions.jsonl");

    /// <summary>What the scores were measured on and with: a <see cref="StudyProvenance"/> a line.</summary>
    public string Provenance => Inside("provenance.jsonl");

    /// <summary>Where every arm masks (<see cref="Masks.StudyMasks"/>).</summary>
    public string Masks => Inside("masks.json");

    /// <summary>Log-mels of the pool, computed once for all runs.</summary>
    public string Cache => Inside("cache");

    /// <summary>The page to look at.</summary>
    public string Report => Inside("report.html");

    /// <summary>The run of a cell, as <c>otomask pretrain</c> writes one.</summary>
    public RunFolder RunOf(StudyCell cell) => new(System.IO.Path.Combine(Path, "runs", cell.Name));

    private string Inside(string name) => System.IO.Path.Combine(Path, name);
}
