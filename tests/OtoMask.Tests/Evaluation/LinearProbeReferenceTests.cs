using System.Text.Json;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Interop;

namespace OtoMask.Tests.Fixtures;

/// <summary>
/// The mode <c>evar</c> beside docs/evaluation.md section 1 as <c>Fixtures/evar/reference.py</c> follows it in double precision. The two share clips,
/// embeddings and seeds alone.
/// </summary>
[Trait("Category", "Fixtures")]
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public class LinearProbeReferenceTests
{
    private const int LargestBatch = 200;
    private static readonly JsonSerializerOptions Names = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static TheoryData<string> Cases =>
    [
        "ten-classes", // two batches an epoch, the last of seven clips
        "two-classes", // with a validation part of its own
        "early-stop",
        "rare-classes", // one class with a single training clip, one with none
        "many-classes", // more than validation clips
        "multi-label",
        "folds",
    ];

    [Theory, MemberData(nameof(Cases))]
    public void EveryStepAgrees(string name)
    {
        Reference reference = Reference.Read(name);
        foreach ((int fit, Fit expected) in reference.Fits.Index())
        {
            LinearProbe.FoldOutcome actual = LinearProbe.RunFold(reference.Task, expected.Fold, ProbeMode.Evar, expected.Seed);
            Assert.Equal(expected.Train, actual.Split.Train);
            Assert.Equal(expected.Valid, actual.Split.Valid);
            Assert.Equal(expected.Note(reference.Task.Task), actual.Split.Note);
            Assert.Equal(expected.ValidationScores, actual.Layer.ValidationScores, (a, b) => Math.Abs(a - b) < 1e-12);
            Assert.Equal(expected.Epoch, actual.Layer.Epochs);
            int steps = expected.Epoch * expected.BatchesAnEpoch, inputs = reference.Task.Width;
            AssertAgree(reference.WeightsOf(fit), actual.Layer.Weights, roundings: steps); // every step rounds every weight once
            AssertAgree(reference.LogitsOf(fit), actual.Logits, roundings: steps + inputs + 1);
            Assert.Equal(expected.TestScore, actual.Score, 1e-12);
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void FoldsAreAveraged(string name)
    {
        Reference reference = Reference.Read(name);
        ProbeResult result = LinearProbe.Run(reference.Task, ProbeMode.Evar, [.. reference.Fits.Select(fit => fit.Seed).Distinct()]);
        Assert.All(result.Runs, run =>
        {
            Fit[] fits = [.. reference.Fits.Where(fit => fit.Seed == run.Seed)];
            Assert.Equal(fits.Select(fit => fit.Epoch), run.Epochs);
            Assert.Equal(100 * fits.Average(fit => fit.TestScore), run.Score, 1e-10);
        });
    }

    // A rounding to float32 moves a number by at most 2^-24 of it.
    private static void AssertAgree(ReadOnlySpan<float> expected, float[] actual, int roundings)
    {
        double tolerance = roundings * Math.Pow(2, -24) * actual.Max(MathF.Abs);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < actual.Length; i++)
            Assert.Equal(expected[i], actual[i], tolerance);
    }

    /// <summary>What one seed's fit on one fold comes to.</summary>
    private sealed record Fit(ulong Seed, int Fold, int[] Train, int[] Valid, int MissingClasses, double[] ValidationScores, int Epoch, double TestScore)
    {
        /// <summary>Batches hold as many clips as there were to train on before a part went to validation, at most 200; the last holds what is left.</summary>
        public int BatchesAnEpoch => (Train.Length + LargestBatch - 1) / LargestBatch;

        public string? Note(LabelledTask task) => MissingClasses == 0
            ? null
            : $"after 100 draws, {MissingClasses} of {task.ClassesOf([.. Train, .. Valid]).Count} classes are not in the validation part";
    }

    private sealed record Reference(EmbeddedTask Task, Fit[] Fits, NpyArray Weights, NpyArray Logits)
    {
        public static Reference Read(string name)
        {
            string folder = Path.Combine(AppContext.BaseDirectory, "Fixtures", "evar", name);
            LabelledTask task = LabelledTask.Read(Path.Combine(folder, "task.csv"));
            NpyArray embeddings = Load("embeddings"), weights = Load("weights"), logits = Load("logits");
            int width = embeddings.Shape[1];
            Fit[] fits = JsonSerializer.Deserialize<Fit[]>(File.ReadAllText(Path.Combine(folder, "fits.json")), Names)!;
            return new Reference(EmbeddedTask.From(task, name, width, [.. embeddings.Values.Chunk(width)]), fits, weights, logits);

            NpyArray Load(string array) => NpyFile.Read(Path.Combine(folder, array + ".npy"));
        }

        /// <summary>[C, D + 1], the bias last.</summary>
        public ReadOnlySpan<float> WeightsOf(int fit) => Weights.Values.AsSpan(fit * Weights.Shape[1] * Weights.Shape[2], Weights.Shape[1] * Weights.Shape[2]);

        /// <summary>[test clips, C].</summary>
        public ReadOnlySpan<float> LogitsOf(int fit)
        {
            int first = Fits.Take(fit).Sum(earlier => Task.Folds[earlier.Fold].Test.Length), count = Task.Folds[Fits[fit].Fold].Test.Length;
            return Logits.Values.AsSpan(first * Logits.Shape[1], count * Logits.Shape[1]);
        }
    }
}
