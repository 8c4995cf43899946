using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OtoMask.Audio;

/// <summary>
/// A vector of floats in which every lane belongs to another frame, so that one kernel, written once, runs at the
/// width of the machine and never shuffles.
/// </summary>
internal interface ILanes<TSelf> : IAdditionOperators<TSelf, TSelf, TSelf>, ISubtractionOperators<TSelf, TSelf, TSelf>,
    IMultiplyOperators<TSelf, TSelf, TSelf>
    where TSelf : unmanaged, ILanes<TSelf>
{
    static abstract int Count { get; }
    static abstract TSelf Load(ref readonly float source);
    static abstract TSelf Broadcast(float value);
    static abstract TSelf MultiplyAdd(TSelf left, TSelf right, TSelf addend);
    static abstract TSelf Log(TSelf value);
    void Store(ref float target);
}

/// <summary>Sixteen frames (AVX-512).</summary>
internal readonly struct SixteenLanes(Vector512<float> value) : ILanes<SixteenLanes>
{
    private readonly Vector512<float> value = value;

    public static int Count => 16;
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes Load(ref readonly float source) => new(Vector512.LoadUnsafe(in source));
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes Broadcast(float value) => new(Vector512.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes MultiplyAdd(SixteenLanes left, SixteenLanes right, SixteenLanes addend) =>
        new(Vector512.MultiplyAddEstimate(left.value, right.value, addend.value));
    public static SixteenLanes Log(SixteenLanes value) => new(Vector512.Log(value.value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes operator +(SixteenLanes left, SixteenLanes right) => new(left.value + right.value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes operator -(SixteenLanes left, SixteenLanes right) => new(left.value - right.value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SixteenLanes operator *(SixteenLanes left, SixteenLanes right) => new(left.value * right.value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(ref float target) => value.StoreUnsafe(ref target);
}

/// <summary>Eight frames (AVX2).</summary>
internal readonly struct EightLanes(Vector256<float> value) : ILanes<EightLanes>
{
    private readonly Vector256<float> value = value;

    public static int Count => 8;
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes Load(ref readonly float source) => new(Vector256.LoadUnsafe(in source));
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes Broadcast(float value) => new(Vector256.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes MultiplyAdd(EightLanes left, EightLanes right, EightLanes addend) =>
        new(Vector256.MultiplyAddEstimate(left.value, right.value, addend.value));
    public static EightLanes Log(EightLanes value) => new(Vector256.Log(value.value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes operator +(EightLanes left, EightLanes right) => new(left.value + right.value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes operator -(EightLanes left, EightLanes right) => new(left.value - right.value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static EightLanes operator *(EightLanes left, EightLanes right) => new(left.value * right.value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(ref float target) => value.StoreUnsafe(ref target);
}

/// <summary>Four frames (NEON, SSE, WebAssembly).</summary>
internal readonly struct FourLanes(Vector128<float> value) : ILanes<FourLanes>
{
    private readonly Vector128<float> value = value;

    public static int Count => 4;
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Load(ref readonly float source) => new(Vector128.LoadUnsafe(in source));
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes Broadcast(float value) => new(Vector128.Create(value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes MultiplyAdd(FourLanes left, FourLanes right, FourLanes addend) =>
        new(Vector128.MultiplyAddEstimate(left.value, right.value, addend.value));
    public static FourLanes Log(FourLanes value) => new(Vector128.Log(value.value));
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes operator +(FourLanes left, FourLanes right) => new(left.value + right.value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes operator -(FourLanes left, FourLanes right) => new(left.value - right.value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLanes operator *(FourLanes left, FourLanes right) => new(left.value * right.value);
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(ref float target) => value.StoreUnsafe(ref target);
}
