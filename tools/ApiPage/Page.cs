using System.Reflection;
using System.Text;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Distributed;
using OtoMask.Embeddings;
using OtoMask.Evaluation;
using OtoMask.Export;
using OtoMask.FineTuning;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Randomness;
using OtoMask.Runs;
using OtoMask.Studies;
using OtoMask.Studies.Results;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.ApiPage;

/// <summary>The page of what a C# developer needs to embed sound, and to build on the library.</summary>
internal static class Page
{
    private const string Head = """
        # The library

        Made by `tools/ApiPage` from the documentation in the source; a test fails while this page is behind it. Every type that the two packages
        show is here, by topic: to turn sound into embeddings in a program of one's own comes first. How to get the packages, and the samples: [models.md](models.md).
        """;

    /// <summary>Every public type, under the topic that it belongs to.</summary>
    public static IReadOnlyList<(string Topic, Type[] Types)> Parts { get; } =
    [
        ("Encoding", [typeof(Encoder), typeof(EncoderLayers), typeof(GeometryHints)]),
        ("Sound", [typeof(Waveform), typeof(AudioFile), typeof(AudioInfo), typeof(LogMelSettings), typeof(LogMelExtractor), typeof(LogMel)]),
        ("Embeddings of many recordings", [typeof(EmbeddingWriter), typeof(EmbeddingOptions), typeof(EmbeddingRow), typeof(EmbeddingSummary), typeof(ClipList), typeof(Clip)]),
        ("Arrays", [typeof(NpyFile), typeof(NpyArray), typeof(HostTensor)]),
        ("Telling classes", [typeof(Predictor), typeof(Prediction), typeof(RankedLabel)]),
        ("Models from anywhere", [typeof(SavedModel), typeof(ModelImport), typeof(EncoderSnapshot), typeof(FrozenEncoder), typeof(FrameEmbeddings), typeof(KnownExports), typeof(ExportFormat), typeof(ExportedModel)]),
        ("Pre-training", [typeof(PretrainingRun), typeof(TrainingEnd), typeof(PretrainingConfig), typeof(ConfigFile), typeof(ConfigChange), typeof(FurtherPretraining), typeof(Precision), typeof(PrecisionChoice), typeof(Bf16By), typeof(ITrainingObserver), typeof(RunEstimate), typeof(RunSummary)]),
        ("Pre-training by several processes", [typeof(TrainingGroup), typeof(GroupOptions)]),
        ("Clips to train on", [typeof(ClipSource), typeof(ClipSourceOptions), typeof(ShortClips), typeof(BadClipException), typeof(BadFiles), typeof(BadFile), typeof(NormalisationStatistics), typeof(LogMelCache), typeof(CacheSummary)]),
        ("Masking", [typeof(IMaskingStrategy), typeof(IFeatureMaskingStrategy), typeof(PatchView), typeof(MaskingContext), typeof(MaskBlock), typeof(PatchMask), typeof(PatchGrid), typeof(InputGeometry), typeof(MaskingInfo), typeof(KnownMaskings), typeof(HintUse), typeof(HintSchedule), typeof(RandomStream), typeof(RandomPurpose)]),
        ("Frameworks", [typeof(KnownFrameworks), typeof(Framework), typeof(MaskedModel), typeof(PatchPredictor), typeof(PatchBatch), typeof(MaskNoise), typeof(Losses), typeof(Recipe), typeof(TargetLayers), typeof(ModelShape), typeof(EncoderShape), typeof(BlockShape), typeof(KnownSizes)]),
        ("Runs", [typeof(RunFolder), typeof(RunInWork), typeof(RunLog), typeof(LogFollower), typeof(LogRow), typeof(StepRecord), typeof(EvaluationRecord), typeof(ChangeRecord), typeof(WarningRecord), typeof(RunMetrics)]),
        ("Judging", [typeof(LabelledTask), typeof(LabelledClip), typeof(TaskSplit), typeof(TaskClips), typeof(ClipView), typeof(IClipEmbedding), typeof(EncoderEmbedding), typeof(LogMelStatistics), typeof(EmbeddedTask), typeof(FoldClips), typeof(LinearProbe), typeof(ProbeMode), typeof(ProbeResult), typeof(ProbeRun), typeof(ClipCounts), typeof(NearestNeighbours), typeof(AttentiveProbe), typeof(PrototypeProbe), typeof(PrototypeResult), typeof(IEvaluation), typeof(RepresentationHealth), typeof(Intervals), typeof(Interval)]),
        ("Fine-tuning", [typeof(FineTuningSetup), typeof(FineTuningConfig), typeof(FineTuningMode), typeof(OptimizerKind), typeof(StartingWeights), typeof(FineTuner), typeof(FineTuningResult), typeof(BestEpoch), typeof(FineTunedCheckpoint)]),
        ("Studies", [typeof(StudyFile), typeof(StudyConfig), typeof(StudyFramework), typeof(StudyArm), typeof(Setting), typeof(StudyTaskName), typeof(StudyPlan), typeof(StudyTask), typeof(StudyCell), typeof(StudyRunner), typeof(StudyFolder), typeof(IStudyObserver), typeof(IStudyCosts), typeof(StudyCost), typeof(StudyRow)]),
        ("Results of a study", [typeof(StudyResults), typeof(StudyVerdict), typeof(FrameworkVerdict), typeof(StudyTables), typeof(StudyScope), typeof(ScopeKind), typeof(FrameworkResults), typeof(ArmResults), typeof(ArmScores), typeof(ArmCost), typeof(SeedEstimate), typeof(SeedValue), typeof(OverallComparison), typeof(IntervalCount)]),
        ("Long work, and what may go wrong", [typeof(WorkProgress), typeof(UserErrorException), typeof(UnreadableAudioException), typeof(SoundLibraryException), typeof(TrainingDivergedException), typeof(RunInterruptedException), typeof(PeerException), typeof(TorchException), typeof(TorchLoadException), typeof(TorchSettingException)]),
        ("Tensors (OtoMask.Torch)", [typeof(Tensor), typeof(TensorScope), typeof(DType), typeof(Device), typeof(Devices), typeof(F), typeof(Operator), typeof(Argument)]),
        ("Learning (OtoMask.Torch)", [typeof(ParameterSet), typeof(Parameter), typeof(Initialiser), typeof(AdamW), typeof(Follower)]),
        ("The engine (OtoMask.Torch)", [typeof(TorchRuntime), typeof(KernelSet)]),
    ];

    /// <summary>The page as Markdown.</summary>
    public static string Render()
    {
        var docs = new XmlDocs(typeof(Encoder).Assembly, typeof(Tensor).Assembly);
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

        foreach (MethodBase method in members.OfType<MethodBase>().Where(method => method != Signature.Positional(type)).OrderBy(method => !method.IsConstructor))
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
