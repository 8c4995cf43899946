using System.Runtime.CompilerServices;

namespace OtoMask.Audio;

/// <summary>Complex numbers, one in each lane.</summary>
internal struct ComplexLanes<TLanes>(TLanes re, TLanes im) where TLanes : unmanaged, ILanes<TLanes>
{
    public TLanes Re = re, Im = im;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ComplexLanes<TLanes> operator +(ComplexLanes<TLanes> left, ComplexLanes<TLanes> right) =>
        new(left.Re + right.Re, left.Im + right.Im);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ComplexLanes<TLanes> operator -(ComplexLanes<TLanes> left, ComplexLanes<TLanes> right) =>
        new(left.Re - right.Re, left.Im - right.Im);

    /// <summary>The product with the same complex number in every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ComplexLanes<TLanes> Times(Twiddle twiddle)
    {
        TLanes re = TLanes.Broadcast(twiddle.Re), im = TLanes.Broadcast(twiddle.Im), minusIm = TLanes.Broadcast(twiddle.MinusIm);
        return new(TLanes.MultiplyAdd(Re, re, Im * minusIm), TLanes.MultiplyAdd(Re, im, Im * re));
    }

    /// <summary><paramref name="addend"/> + <paramref name="factor"/> times this.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ComplexLanes<TLanes> ScaledPlus(float factor, ComplexLanes<TLanes> addend)
    {
        TLanes scale = TLanes.Broadcast(factor);
        return new(TLanes.MultiplyAdd(Re, scale, addend.Re), TLanes.MultiplyAdd(Im, scale, addend.Im));
    }

    /// <summary>The product with a real number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ComplexLanes<TLanes> Scaled(float factor)
    {
        TLanes scale = TLanes.Broadcast(factor);
        return new(Re * scale, Im * scale);
    }

    /// <summary>Squares of the absolute values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly TLanes SquaredLength() => TLanes.MultiplyAdd(Re, Re, Im * Im);

    /// <summary>This + i times <paramref name="right"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ComplexLanes<TLanes> PlusI(ComplexLanes<TLanes> right) => new(Re - right.Im, Im + right.Re);

    /// <summary>This - i times <paramref name="right"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ComplexLanes<TLanes> MinusI(ComplexLanes<TLanes> right) => new(Re + right.Im, Im - right.Re);
}

/// <summary>A root of unity, its imaginary part also with the sign turned, which saves a negation in every product.</summary>
internal readonly struct Twiddle
{
    public readonly float Re, Im, MinusIm;

    /// <summary>exp(-2 pi i <paramref name="power"/> / <paramref name="order"/>).</summary>
    public Twiddle(int power, int order)
    {
        (double sine, double cosine) = Math.SinCos(-2 * Math.PI * power / order);
        (Re, Im, MinusIm) = ((float)cosine, (float)sine, (float)-sine);
    }
}
