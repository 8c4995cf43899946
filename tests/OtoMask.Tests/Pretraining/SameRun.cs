using System.Text.Json.Nodes;
using OtoMask.Interop;
using OtoMask.Runs;

namespace OtoMask.Tests.Pretraining;

/// <summary>Whether two runs computed the same, to the bit.</summary>
internal static class SameRun
{
    // docs/architecture.md, "The run folder": these are the same for every run of one configuration, speeds are not.
    private static readonly string[] DeterministicFields =
        ["kind", "step", "epoch", "loss", "lr", "hint", "ema", "grad_norm", "applied", "metric", "value", "key", "old", "new", "message"];

    /// <summary>The tensors of the newest checkpoints and the rows of the logs, but for speeds, are the same.</summary>
    public static void AssertSame(RunFolder expected, RunFolder actual)
    {
        SafetensorsContent weights = SafetensorsFile.Read(expected.LatestCheckpoint), same = SafetensorsFile.Read(actual.LatestCheckpoint);
        Assert.Equal(weights.Tensors.Keys.Order(), same.Tensors.Keys.Order());
        Assert.All(weights.Tensors, tensor => Assert.True(tensor.Value.Data.AsSpan().SequenceEqual(same.Tensors[tensor.Key].Data), $"{tensor.Key} differs"));
        Assert.Equal(Rows(expected), Rows(actual));
    }

    /// <summary>The rows of a log, but for speeds.</summary>
    public static string[] Rows(RunFolder run) =>
        [.. File.ReadLines(run.Log).Select(line => JsonNode.Parse(line)!).Select(row => string.Join(" ", DeterministicFields.Select(field => $"{field}={row[field]}")))];
}
