using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public class KnnEvaluationTests
{
    [Fact]
    public void AnUntrainedEncoderTellsHighTonesFromLow()
    {
        using var tones = new ToneTask();
        using EncoderSnapshot encoder = EncoderSnapshot.Untrained(
            new BlockShape(16, 2, 2), new InputGeometry(80, 48, 16, 16), new NormalisationStatistics(-7.1f, 4.2f), LogMelSettings.Default, 1, Device.Cpu);
        var evaluation = new KnnEvaluation(LabelledTask.Read(tones.CsvPath));
        (string metric, double value) = Assert.Single(evaluation.Run(encoder));
        Assert.Equal(("knn/tones", 100.0), (metric, value));
        Assert.Equal(100, Assert.Single(evaluation.Run(encoder)).Value);
    }
}
