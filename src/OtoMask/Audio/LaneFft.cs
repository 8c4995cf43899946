using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>
/// Complex fast Fourier transforms of as many frames as there are lanes, in place: mixed radix 2, 3, 4, 5 and 8,
/// decimation in time.
/// </summary>
/// <remarks>Cooley and Tukey, 1965. The caller lays the input down in the order of <see cref="Place"/>; then every
/// pass combines neighbouring sub-transforms where they lie, and the result is in natural order.</remarks>
internal sealed class LaneFft<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    private readonly int size;
    private readonly List<Pass> passes = [];

    /// <param name="size">Complex points; a product of 2, 3, 4 and 5.</param>
    /// <exception cref="ArgumentException">The size has another prime factor.</exception>
    public LaneFft(int size)
    {
        this.size = size;
        int[] radices = Factorise(size);
        Place = new int[size];
        for (int i = 0; i < size; i++)
            Place[i] = PlaceOf(i, size, radices);
        int length = 1;
        foreach (int radix in radices)
        {
            passes.Add(new Pass(radix, length));
            length *= radix;
        }
    }

    /// <summary>Place[n] is where point n of the input must lie before <see cref="Transform"/>.</summary>
    public int[] Place { get; }

    /// <summary>Transforms <paramref name="data"/> [size] in place.</summary>
    public void Transform(Span<ComplexLanes<TLanes>> data)
    {
        // The passes index without bounds checks; this is the one check they need.
        ref ComplexLanes<TLanes> first = ref MemoryMarshal.GetReference(data[..size]);
        foreach (Pass pass in passes)
        {
            switch (pass.Radix)
            {
                case 2: Radix2(ref first, pass); break;
                case 3: Radix3(ref first, pass); break;
                case 4: Radix4(ref first, pass); break;
                case 5: Radix5(ref first, pass); break;
                default: Radix8(ref first, pass); break;
            }
        }
    }

    private static int[] Factorise(int size)
    {
        List<int> radices = [];
        int rest = size;
        foreach (int radix in (int[])[8, 5, 4, 3, 2])
        {
            // Of the powers of two, 16 is better taken as 4 * 4 than as 8 * 2.
            while (rest % radix == 0 && !(radix == 8 && rest % 16 == 0 && rest % 64 != 0))
            {
                radices.Add(radix);
                rest /= radix;
            }
        }
        return rest == 1
            ? [.. radices]
            : throw new ArgumentException($"an FFT of {size} complex points is not supported: only products of 2, 3, 4 and 5 are", nameof(size));
    }

    /// <summary>Digit reversal: the last pass joins the sub-transforms of every radix-th point, and so on down.</summary>
    private static int PlaceOf(int index, int size, ReadOnlySpan<int> radices)
    {
        int place = 0;
        for (int pass = radices.Length - 1; pass >= 0; pass--)
        {
            size /= radices[pass];
            place += index % radices[pass] * size;
            index /= radices[pass];
        }
        return place;
    }

    private void Radix2(ref ComplexLanes<TLanes> data, Pass pass)
    {
        for (int j = 0; j < pass.Length; j++)
        {
            Twiddle w1 = pass.Twiddles[j];
            for (int at = j; at < size; at += 2 * pass.Length)
            {
                ref ComplexLanes<TLanes> x0 = ref Unsafe.Add(ref data, at);
                ref ComplexLanes<TLanes> x1 = ref Unsafe.Add(ref x0, pass.Length);
                ComplexLanes<TLanes> a0 = x0, a1 = x1.Times(w1);
                x0 = a0 + a1;
                x1 = a0 - a1;
            }
        }
    }

    private void Radix3(ref ComplexLanes<TLanes> data, Pass pass)
    {
        const float Sine60 = 0.8660254037844386f;
        for (int j = 0; j < pass.Length; j++)
        {
            ReadOnlySpan<Twiddle> w = pass.TwiddlesOf(j);
            for (int at = j; at < size; at += 3 * pass.Length)
            {
                ref ComplexLanes<TLanes> x0 = ref Unsafe.Add(ref data, at);
                ref ComplexLanes<TLanes> x1 = ref Unsafe.Add(ref x0, pass.Length);
                ref ComplexLanes<TLanes> x2 = ref Unsafe.Add(ref x1, pass.Length);
                ComplexLanes<TLanes> a0 = x0, a1 = x1.Times(w[0]), a2 = x2.Times(w[1]);
                ComplexLanes<TLanes> sum = a1 + a2, turn = (a1 - a2).Scaled(Sine60);
                ComplexLanes<TLanes> middle = sum.ScaledPlus(-0.5f, a0);
                x0 = a0 + sum;
                x1 = middle.MinusI(turn);
                x2 = middle.PlusI(turn);
            }
        }
    }

    private void Radix4(ref ComplexLanes<TLanes> data, Pass pass)
    {
        for (int j = 0; j < pass.Length; j++)
        {
            ReadOnlySpan<Twiddle> w = pass.TwiddlesOf(j);
            for (int at = j; at < size; at += 4 * pass.Length)
            {
                ref ComplexLanes<TLanes> x0 = ref Unsafe.Add(ref data, at);
                ref ComplexLanes<TLanes> x1 = ref Unsafe.Add(ref x0, pass.Length);
                ref ComplexLanes<TLanes> x2 = ref Unsafe.Add(ref x1, pass.Length);
                ref ComplexLanes<TLanes> x3 = ref Unsafe.Add(ref x2, pass.Length);
                ComplexLanes<TLanes> a0 = x0, a1 = x1, a2 = x2, a3 = x3;
                if (pass.Length > 1)
                {
                    a1 = a1.Times(w[0]);
                    a2 = a2.Times(w[1]);
                    a3 = a3.Times(w[2]);
                }
                ComplexLanes<TLanes> even = a0 + a2, evenTurn = a0 - a2, odd = a1 + a3, oddTurn = a1 - a3;
                x0 = even + odd;
                x1 = evenTurn.MinusI(oddTurn);
                x2 = even - odd;
                x3 = evenTurn.PlusI(oddTurn);
            }
        }
    }

    private void Radix5(ref ComplexLanes<TLanes> data, Pass pass)
    {
        const float Cosine72 = 0.30901699437494745f, Cosine144 = -0.8090169943749475f;
        const float Sine72 = 0.9510565162951535f, Sine144 = 0.5877852522924731f;
        for (int j = 0; j < pass.Length; j++)
        {
            ReadOnlySpan<Twiddle> w = pass.TwiddlesOf(j);
            for (int at = j; at < size; at += 5 * pass.Length)
            {
                ref ComplexLanes<TLanes> x0 = ref Unsafe.Add(ref data, at);
                ref ComplexLanes<TLanes> x1 = ref Unsafe.Add(ref x0, pass.Length);
                ref ComplexLanes<TLanes> x2 = ref Unsafe.Add(ref x1, pass.Length);
                ref ComplexLanes<TLanes> x3 = ref Unsafe.Add(ref x2, pass.Length);
                ref ComplexLanes<TLanes> x4 = ref Unsafe.Add(ref x3, pass.Length);
                ComplexLanes<TLanes> a0 = x0, a1 = x1, a2 = x2, a3 = x3, a4 = x4;
                if (pass.Length > 1)
                {
                    a1 = a1.Times(w[0]);
                    a2 = a2.Times(w[1]);
                    a3 = a3.Times(w[2]);
                    a4 = a4.Times(w[3]);
                }
                ComplexLanes<TLanes> outer = a1 + a4, inner = a2 + a3, outerTurn = a1 - a4, innerTurn = a2 - a3;
                ComplexLanes<TLanes> near = inner.ScaledPlus(Cosine144, outer.ScaledPlus(Cosine72, a0));
                ComplexLanes<TLanes> far = inner.ScaledPlus(Cosine72, outer.ScaledPlus(Cosine144, a0));
                ComplexLanes<TLanes> nearTurn = innerTurn.ScaledPlus(Sine144, outerTurn.Scaled(Sine72));
                ComplexLanes<TLanes> farTurn = innerTurn.ScaledPlus(-Sine72, outerTurn.Scaled(Sine144));
                x0 = a0 + outer + inner;
                x1 = near.MinusI(nearTurn);
                x2 = far.MinusI(farTurn);
                x3 = far.PlusI(farTurn);
                x4 = near.PlusI(nearTurn);
            }
        }
    }

    private void Radix8(ref ComplexLanes<TLanes> data, Pass pass)
    {
        const float Diagonal = 0.7071067811865476f;
        for (int j = 0; j < pass.Length; j++)
        {
            ReadOnlySpan<Twiddle> w = pass.TwiddlesOf(j);
            for (int at = j; at < size; at += 8 * pass.Length)
            {
                ref ComplexLanes<TLanes> x0 = ref Unsafe.Add(ref data, at);
                ref ComplexLanes<TLanes> x1 = ref Unsafe.Add(ref x0, pass.Length);
                ref ComplexLanes<TLanes> x2 = ref Unsafe.Add(ref x1, pass.Length);
                ref ComplexLanes<TLanes> x3 = ref Unsafe.Add(ref x2, pass.Length);
                ref ComplexLanes<TLanes> x4 = ref Unsafe.Add(ref x3, pass.Length);
                ref ComplexLanes<TLanes> x5 = ref Unsafe.Add(ref x4, pass.Length);
                ref ComplexLanes<TLanes> x6 = ref Unsafe.Add(ref x5, pass.Length);
                ref ComplexLanes<TLanes> x7 = ref Unsafe.Add(ref x6, pass.Length);
                ComplexLanes<TLanes> a0 = x0, a1 = x1, a2 = x2, a3 = x3, a4 = x4, a5 = x5, a6 = x6, a7 = x7;
                if (pass.Length > 1)
                {
                    a1 = a1.Times(w[0]);
                    a2 = a2.Times(w[1]);
                    a3 = a3.Times(w[2]);
                    a4 = a4.Times(w[3]);
                    a5 = a5.Times(w[4]);
                    a6 = a6.Times(w[5]);
                    a7 = a7.Times(w[6]);
                }
                // Two transforms of 4 points, of the even and of the odd ones.
                ComplexLanes<TLanes> b0 = a0 + a4, b1 = a0 - a4, b2 = a2 + a6, b3 = a2 - a6;
                ComplexLanes<TLanes> even0 = b0 + b2, even2 = b0 - b2, even1 = b1.MinusI(b3), even3 = b1.PlusI(b3);
                ComplexLanes<TLanes> c0 = a1 + a5, c1 = a1 - a5, c2 = a3 + a7, c3 = a3 - a7;
                ComplexLanes<TLanes> odd0 = c0 + c2, odd2 = c0 - c2, d1 = c1.MinusI(c3), d3 = c1.PlusI(c3);
                // d1 times (1 - i) and d3 times -(1 + i); the diagonal's length, 1 / sqrt 2, is applied below.
                ComplexLanes<TLanes> odd1 = d1.MinusI(d1), odd3 = d3.PlusI(d3);
                x0 = even0 + odd0;
                x4 = even0 - odd0;
                x1 = odd1.ScaledPlus(Diagonal, even1);
                x5 = odd1.ScaledPlus(-Diagonal, even1);
                x2 = even2.MinusI(odd2);
                x6 = even2.PlusI(odd2);
                x3 = odd3.ScaledPlus(-Diagonal, even3);
                x7 = odd3.ScaledPlus(Diagonal, even3);
            }
        }
    }

    /// <summary>Joins <paramref name="radix"/> neighbouring transforms of <paramref name="length"/> points to one.</summary>
    private sealed class Pass(int radix, int length)
    {
        public readonly int Radix = radix, Length = length;

        /// <summary>[length, radix - 1]: exp(-2 pi i j q / (radix length)) of point j of transform q, q from 1.</summary>
        public readonly Twiddle[] Twiddles =
            [.. from j in Enumerable.Range(0, length) from q in Enumerable.Range(1, radix - 1) select new Twiddle(j * q, radix * length)];

        public ReadOnlySpan<Twiddle> TwiddlesOf(int j) => Twiddles.AsSpan(j * (Radix - 1), Radix - 1);
    }
}
