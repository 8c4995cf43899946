using System.Text.Json;
using OtoMask.Geometry;

namespace OtoMask.Studies.Masks;

/// <summary>A clip on which masks are shown.</summary>
/// <param name="Task">Name of its task.</param>
/// <param name="Family">The task's family.</param>
/// <param name="Name">The clip's name in the task.</param>
/// <param name="Label">Its class.</param>
/// <param name="LogMel">[F, T] of the model's input size, natural log of power, two decimals.</param>
internal sealed record MaskedClip(string Task, string Family, string Name, string Label, float[] LogMel);

/// <summary>Where an arm masks.</summary>
/// <param name="Framework">For example <c>msm-mae</c>.</param>
/// <param name="Arm">For example <c>dwm</c>.</param>
/// <param name="Mask">Name of its masking strategy.</param>
/// <param name="MaskRatio">Share of patches that it masks, in (0, 1).</param>
/// <param name="HintRatios">Its hint ratio at each of <see cref="StudyMasks.Progress"/>; 0 where it has none.</param>
/// <param name="Probability">[progress][L], share of the crops in which a patch was masked; patch id = row * Nt + column, row 0 lowest.</param>
/// <param name="ByDispersion">[progress][10], share of patches masked in each tenth of its crop's patches by mean absolute deviation, calmest first.</param>
/// <param name="Masked">[clip][progress], ids of the masked patches of <see cref="StudyMasks.Clips"/>.</param>
internal sealed record ArmMasks(
    string Framework, string Arm, string Mask, double MaskRatio, double[] HintRatios, double[][] Probability, double[][] ByDispersion, int[][][] Masked);

/// <summary>Where the arms of a study mask, on crops of the pool and on a clip of each family: what <c>masks.json</c> holds.</summary>
/// <param name="Key">Changes with everything it was computed from.</param>
/// <param name="Crops">Crops of the pool that masks were drawn for.</param>
/// <param name="Input">Bands x frames.</param>
/// <param name="Patch">Bands x frames.</param>
/// <param name="SampleRate">In Hz.</param>
/// <param name="Progress">How much of the training was done when masks were drawn, 0 .. 1.</param>
/// <param name="Clips">A clip of each family.</param>
/// <param name="Arms">The arms.</param>
/// <param name="LeftOut">Which arms are not there, and why: a line each.</param>
internal sealed record StudyMasks(
    string Key, int Crops, string Input, string Patch, int SampleRate, double[] Progress, IReadOnlyList<MaskedClip> Clips, IReadOnlyList<ArmMasks> Arms,
    IReadOnlyList<string> LeftOut)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>The model's input and the patches it is cut in.</summary>
    public InputGeometry Geometry() => InputGeometry.Parse(Input, Patch);

    /// <summary>What a study's folder holds; null where it was not computed yet.</summary>
    /// <exception cref="UserErrorException">The file is not what it should be.</exception>
    public static StudyMasks? Read(StudyFolder folder)
    {
        if (!File.Exists(folder.Masks))
            return null;
        try
        {
            return JsonSerializer.Deserialize<StudyMasks>(InputFile.ReadBytes(folder.Masks, InputFile.LargestTable), Options) ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{folder.Masks}: cannot be read ({error.Message}); remove it, and the study computes it again", error);
        }
    }

    /// <summary>Writes it into a study's folder.</summary>
    public void Write(StudyFolder folder) => AtomicFile.WriteAllText(folder.Masks, JsonSerializer.Serialize(this, Options) + "\n");
}
