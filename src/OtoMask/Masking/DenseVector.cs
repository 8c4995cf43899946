using System.Numerics;
using System.Runtime.InteropServices;

namespace OtoMask.Masking;

/// <summary>The few vector operations that object-centric masking is made of, in double precision and vectorised.</summary>
internal static class DenseVector
{
    /// <summary>The inner product of two vectors of one length.</summary>
    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        ReadOnlySpan<Vector<double>> xs = MemoryMarshal.Cast<double, Vector<double>>(x), ys = MemoryMarshal.Cast<double, Vector<double>>(y);
        var (even, odd) = (Vector<double>.Zero, Vector<double>.Zero);
        int i = 0;
        for (; i < xs.Length - 1 && i < ys.Length - 1; i += 2)
        {
            even = Vector.FusedMultiplyAdd(xs[i], ys[i], even);
            odd = Vector.FusedMultiplyAdd(xs[i + 1], ys[i + 1], odd);
        }
        if (i < xs.Length)
            even = Vector.FusedMultiplyAdd(xs[i], ys[i], even);
        double sum = Vector.Sum(even + odd);
        for (int tail = xs.Length * Vector<double>.Count; tail < x.Length; tail++)
            sum += x[tail] * y[tail];
        return sum;
    }

    /// <summary>y += a x.</summary>
    public static void AddScaled(Span<double> y, double a, ReadOnlySpan<double> x)
    {
        Span<Vector<double>> ys = MemoryMarshal.Cast<double, Vector<double>>(y);
        ReadOnlySpan<Vector<double>> xs = MemoryMarshal.Cast<double, Vector<double>>(x);
        var scale = new Vector<double>(a);
        for (int i = 0; i < ys.Length && i < xs.Length; i++)
            ys[i] = Vector.FusedMultiplyAdd(scale, xs[i], ys[i]);
        for (int tail = ys.Length * Vector<double>.Count; tail < y.Length; tail++)
            y[tail] += a * x[tail];
    }

    /// <summary>y += a x + b z.</summary>
    public static void AddScaled(Span<double> y, double a, ReadOnlySpan<double> x, double b, ReadOnlySpan<double> z)
    {
        Span<Vector<double>> ys = MemoryMarshal.Cast<double, Vector<double>>(y);
        ReadOnlySpan<Vector<double>> xs = MemoryMarshal.Cast<double, Vector<double>>(x), zs = MemoryMarshal.Cast<double, Vector<double>>(z);
        var (scaleX, scaleZ) = (new Vector<double>(a), new Vector<double>(b));
        for (int i = 0; i < ys.Length && i < xs.Length && i < zs.Length; i++)
            ys[i] = Vector.FusedMultiplyAdd(scaleZ, zs[i], Vector.FusedMultiplyAdd(scaleX, xs[i], ys[i]));
        for (int tail = ys.Length * Vector<double>.Count; tail < y.Length; tail++)
            y[tail] += a * x[tail] + b * z[tail];
    }

    /// <summary>Scales a vector to length 1; a zero vector stays.</summary>
    public static void Normalise(Span<double> x)
    {
        double length = Math.Sqrt(Dot(x, x));
        if (length == 0)
            return;
        foreach (ref double value in x)
            value /= length;
    }

    /// <summary>The inner products of all pairs of rows.</summary>
    /// <param name="rows">[n, width].</param>
    /// <param name="width">Values of one row.</param>
    /// <param name="products">[n, n], receives the lower triangle and the diagonal.</param>
    public static void Gram(ReadOnlySpan<double> rows, int width, Span<double> products)
    {
        int n = rows.Length / width;
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++)
                products[i * n + j] = Dot(rows.Slice(i * width, width), rows.Slice(j * width, width));
    }
}
