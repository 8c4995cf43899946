using OtoMask.Torch;

namespace OtoMask.App.Bench;

/// <summary>How fast this machine multiplies matrices: the yardstick for everything built on it.</summary>
internal static class GemmSpeed
{
    private const int Size = 1024;

    /// <summary>GFLOP/s of square products [1024, 1024] x [1024, 1024], the median over about <paramref name="seconds"/>.</summary>
    /// <param name="type">Type of both factors.</param>
    /// <param name="device">Where to multiply.</param>
    /// <param name="seconds">How long to measure, after one product to warm up.</param>
    /// <param name="cancel">Ends the measurement.</param>
    public static double Measure(DType type, Device device, double seconds, CancellationToken cancel)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        var values = new float[Size * Size];
        values.AsSpan().Fill(0.5f);
        Tensor factor = Tensor.Send(device, values, Size, Size).To(type);
        double time = Timing.MedianSeconds(seconds, cancel, _ => Multiply(factor));
        return 2.0 * Size * Size * Size / time / 1e9;
    }

    private static void Multiply(Tensor factor)
    {
        using var scope = new TensorScope();
        _ = factor.MatMul(factor).Narrow(0, 0, 1).Narrow(1, 0, 1).Item(); // reading one value waits for the device
    }
}
