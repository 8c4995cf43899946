namespace OtoMask.Export;

// B clips, n samples each, U samples of a unit, k = n / U rounded up, units of a clip; C values of a unit.

/// <summary>
/// Takes clips of any length apart into units of the length that a head was trained with, silence behind the last, and averages what is said
/// of them, each weighted by how much of the sound it holds: as <see cref="FineTuning.Predictor"/> does.
/// </summary>
internal sealed class OnnxUnits
{
    private readonly OnnxGraph graph;
    private readonly OnnxValue waveform, samples, count;
    private readonly long unit;

    /// <param name="graph">Where the nodes go.</param>
    /// <param name="waveform">[B, n].</param>
    /// <param name="unit">U.</param>
    public OnnxUnits(OnnxGraph graph, OnnxValue waveform, long unit)
    {
        (this.graph, this.waveform, this.unit) = (graph, waveform, unit);
        using IDisposable part = graph.Within("units");
        samples = waveform.Size(1); // n
        count = samples.DividedUpBy(unit); // k
    }

    /// <summary>The units of every clip, [B * k, U].</summary>
    public OnnxValue Cut()
    {
        using IDisposable part = graph.Within("units/cut");
        return waveform.PadWithZeros(0, 0, 0, count * unit - samples).Reshape(-1, unit);
    }

    /// <summary>Values of every unit [B * k, C] -> of every clip [B, C].</summary>
    public OnnxValue Average(OnnxValue values, int width)
    {
        using IDisposable part = graph.Within("units/average");
        OnnxValue held = (samples - count.CountedFrom(0) * unit).AtMost(graph.Integers(unit)); // [k], in samples
        OnnxValue shares = held.ToFloat() / samples.ToFloat();
        return shares.Reshape(1, -1).MatMul(values.Reshape(-1, count, width)).Reshape(-1, width); // [1, k] x [B, k, C]
    }
}
