using System.Reflection;
using System.Text;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.FineTuning;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Weights;

namespace OtoMask.ApiPage;

/// <summary>The page of what a C# developer needs to embed sound, and to build on the library.</summary>
internal static class Page
{
    private const string Head = """
        # The library

        Made by `tools/ApiPage` from the documentation in the source; a test fails while this page is behind it. It shows what is needed to turn sound
        into embeddings in a program of one's own, and to pre-train and judge encoders there. How to get the packages, and the samples: [models.md](models.md).
        """;

    private static readonly (string Heading, Type[] Types)[] Parts =
    [
        ("Encoding", [typeof(Encoder), typeof(EncoderLayers), typeof(GeometryHints), typeof(UserErrorException)]),
        ("Sound", [typeof(Waveform), typeof(AudioFile), typeof(AudioInfo), typeof(UnreadableAudioException), typeof(SoundLibraryException)]),
        ("Arrays", [typeof(NpyFile), typeof(NpyArray)]),
        ("Telling classes", [typeof(Predictor)]),
        ("Pre-training", [typeof(PretrainingRun), typeof(TrainingEnd), typeof(PretrainingConfig), typeof(ITrainingObserver), typeof(RunSummary), typeof(ClipSource)]),
        ("Masking", [typeof(IMaskingStrategy), typeof(PatchView), typeof(MaskingContext), typeof(PatchMask), typeof(PatchGrid), typeof(MaskingInfo), typeof(KnownMaskings)]),
        ("Frameworks", [typeof(KnownFrameworks), typeof(Framework), typeof(MaskedModel), typeof(PatchPredictor), typeof(PatchBatch), typeof(Losses)]),
        ("Runs", [typeof(RunFolder), typeof(RunLog), typeof(LogFollower), typeof(LogRow), typeof(StepRecord), typeof(EvaluationRecord), typeof(ChangeRecord)]),
        ("Judging", [typeof(LabelledTask), typeof(TaskClips), typeof(EmbeddedTask), typeof(LinearProbe), typeof(ProbeMode), typeof(ProbeResult), typeof(NearestNeighbours)]),
        ("Long work", [typeof(WorkProgress)]),
    ];

    /// <summary>The page as Markdown.</summary>
    public static string Render()
    {
        var docs = new XmlDocs(typeof(Encoder).Assembly);
        var page = new StringBuilder(Head).Append('\n');
        foreach ((string heading, Type[] types) in Parts)
        {
            page.Append($"\n## {heading}\n");
            foreach (Type type in types)
                Append(page, type, docs);
        }
        return page.ToString();
    }

    private static void Append(StringBuilder page, Type type, XmlDocs docs)
    {
        page.Append($"\n### {type.Name}\n\n`{Signature.Of(type)}`, namespace `{type.Namespace}`\n\n{docs.Text(type)}\n");
        foreach (string paragraph in docs.Remarks(type))
            page.Append($"\n{paragraph}\n");
        if (docs.Example(type) is { } example)
            page.Append($"\n```csharp\n{example}\n```\n");

        // What the compiler adds to a record says nothing here.
        MemberInfo[] members = [.. type.GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly).Where(docs.Has)];
        MemberInfo[] values = [.. members.Where(member => member is PropertyInfo or FieldInfo)];
        if (values.Length > 0)
            page.Append("\n| | |\n|---|---|\n");
        foreach (MemberInfo value in values)
            page.Append($"| `{Signature.Of(value)}` | {docs.Text(value)} |\n");

        foreach (MethodInfo method in members.OfType<MethodInfo>())
        {
            page.Append($"\n#### `{Signature.Of(method)}`\n\n{docs.Text(method)}\n");
            foreach (string paragraph in docs.Remarks(method))
                page.Append($"\n{paragraph}\n");
            string[] details = [.. docs.Details(method)];
            if (details.Length > 0)
                page.Append('\n').AppendJoin("", details.Select(line => $"- {line}\n"));
        }
    }
}
