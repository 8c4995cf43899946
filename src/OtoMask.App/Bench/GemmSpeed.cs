using OtoMask.Torch;

namespace OtoMask.App.Bench;

/// <summary>How fast this machine multiplies matrices: the yardstick for everything built on it.</summary>
internal static class GemmSpeed
{
    private const int Size = 1024, LargestOnDevice = 8192, InRowOnDevice = 16;
    private const double LeastOnDevice = 1e-3; // seconds; what is asked of a device takes microseconds to reach it

    /// <summary>GFLOP/s of square products, the median over about <paramref name="seconds"/>: of [1024, 1024] on the processor. On another device they are so large
    /// that each keeps it busy, and it is waited for once in many.</summary>
    /// <param name="type">Type of both factors.</param>
    /// <param name="device">Where to multiply.</param>
    /// <param name="seconds">How long to measure, after once to warm up.</param>
    /// <param name="cancel">Ends the measurement.</param>
    public static double Measure(DType type, Device device, double seconds, CancellationToken cancel)
    {
        int size = Size;
        if (device.IsCpu)
            return Flops(size) / SecondsOf(type, device, size, inRow: 1, seconds, cancel) / 1e9;
        while (size < LargestOnDevice && SecondsOf(type, device, size, inRow: 1, seconds: 0, cancel) < LeastOnDevice)
            size *= 2;
        return Flops(size) / SecondsOf(type, device, size, InRowOnDevice, seconds, cancel) / 1e9;
    }

    /// <summary>Seconds of one product [size, size] x [size, size], of so many asked for in a row before the device is waited for.</summary>
    internal static double SecondsOf(DType type, Device device, int size, int inRow, double seconds, CancellationToken cancel)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        var values = new float[size * size];
        values.AsSpan().Fill(0.5f);
        Tensor factor = Tensor.Send(device, values, size, size).To(type);
        return Timing.MedianSeconds(seconds, cancel, _ => Multiply(factor, inRow)) / inRow;
    }

    private static double Flops(int size) => 2.0 * size * size * size;

    private static void Multiply(Tensor factor, int inRow)
    {
        for (int product = 0; product < inRow; product++)
        {
            using var scope = new TensorScope();
            _ = factor.MatMul(factor);
        }
        TorchRuntime.Wait(factor.Device);
    }
}
