namespace OtoMask.Torch;

// Element-wise arithmetic and matrix products; every method names its ATen schema through its operator.
public sealed partial class Tensor
{
    private static readonly Operator AddTensor = new("aten::add", "Tensor"), AddScalar = new("aten::add", "Scalar");
    private static readonly Operator SubTensor = new("aten::sub", "Tensor"), SubScalar = new("aten::sub", "Scalar");
    private static readonly Operator MulTensor = new("aten::mul", "Tensor"), MulScalar = new("aten::mul", "Scalar");
    private static readonly Operator DivTensor = new("aten::div", "Tensor"), DivScalar = new("aten::div", "Scalar");
    private static readonly Operator MatMulOp = new("aten::matmul"), SqrtOp = new("aten::sqrt"), RsqrtOp = new("aten::rsqrt"), ExpOp = new("aten::exp");
    private static readonly Operator ReciprocalOp = new("aten::reciprocal"), ClampMaxOp = new("aten::clamp_max");
    private static readonly Operator GreaterThan = new("aten::gt", "Scalar"), GreaterOrEqual = new("aten::ge", "Scalar"), LessThan = new("aten::lt", "Scalar"), LessOrEqual = new("aten::le", "Scalar");
    private static readonly Operator WhereOp = new("aten::where", "self"), IsFiniteOp = new("aten::isfinite"), AllOp = new("aten::all");
    private static readonly Operator AddInPlace = new("aten::add_", "Tensor"), AddNumberInPlace = new("aten::add_", "Scalar"), MulInPlace = new("aten::mul_", "Scalar"), MulTensorInPlace = new("aten::mul_", "Tensor");
    private static readonly Operator LerpInPlace = new("aten::lerp_", "Scalar"), ZeroInPlace = new("aten::zero_"), CopyInPlace = new("aten::copy_");

    /// <summary>Sum, element by element; a dimension of 1 is broadcast, as in all of these.</summary>
    public static Tensor operator +(Tensor left, Tensor right) => AddTensor.Call(left, right);

    /// <summary>Sum with a number; whole numbers become float32.</summary>
    public static Tensor operator +(Tensor left, double right) => AddScalar.Call(left, right);

    /// <summary>Sum with a whole number, which leaves ids ids.</summary>
    public static Tensor operator +(Tensor left, long right) => AddScalar.Call(left, right);

    /// <summary>Difference, element by element.</summary>
    public static Tensor operator -(Tensor left, Tensor right) => SubTensor.Call(left, right);

    /// <summary>Difference from a number.</summary>
    public static Tensor operator -(Tensor left, double right) => SubScalar.Call(left, right);

    /// <summary>Product, element by element.</summary>
    public static Tensor operator *(Tensor left, Tensor right) => MulTensor.Call(left, right);

    /// <summary>Product with a number.</summary>
    public static Tensor operator *(Tensor left, double right) => MulScalar.Call(left, right);

    /// <summary>Product with a whole number, which leaves ids ids.</summary>
    public static Tensor operator *(Tensor left, long right) => MulScalar.Call(left, right);

    /// <summary>Quotient, element by element.</summary>
    public static Tensor operator /(Tensor left, Tensor right) => DivTensor.Call(left, right);

    /// <summary>Quotient by a number.</summary>
    public static Tensor operator /(Tensor left, double right) => DivScalar.Call(left, right);

    /// <summary>Whether each value is greater than a number.</summary>
    public static Tensor operator >(Tensor left, double right) => GreaterThan.Call(left, right);

    /// <summary>Whether each value is less than a number.</summary>
    public static Tensor operator <(Tensor left, double right) => LessThan.Call(left, right);

    /// <summary>Whether each value is at least a number.</summary>
    public static Tensor operator >=(Tensor left, double right) => GreaterOrEqual.Call(left, right);

    /// <summary>Whether each value is at most a number.</summary>
    public static Tensor operator <=(Tensor left, double right) => LessOrEqual.Call(left, right);

    /// <summary>Values of one tensor where a condition holds, of another where it does not; all of them broadcast.</summary>
    internal static Tensor Where(Tensor condition, Tensor values, Tensor otherwise) => WhereOp.Call(condition, values, otherwise);

    /// <summary>Whether every value is finite, of no dimension.</summary>
    internal Tensor AreAllFinite() => AllOp.Call(IsFiniteOp.Call(this));

    /// <summary>One over each value.</summary>
    internal Tensor Reciprocal() => ReciprocalOp.Call(this);

    /// <summary>Each value, or a number where it is greater.</summary>
    internal Tensor AtMost(double most) => ClampMaxOp.Call(this, most);

    /// <summary>Matrix product over the last two dimensions, the ones before broadcast: [.., n, k] x [.., k, m] -> [.., n, m].</summary>
    public Tensor MatMul(Tensor right) => MatMulOp.Call(this, right);

    /// <summary>Square root of each value.</summary>
    public Tensor Sqrt() => SqrtOp.Call(this);

    /// <summary>One over the square root of each value.</summary>
    public Tensor Rsqrt() => RsqrtOp.Call(this);

    /// <summary>e to the power of each value.</summary>
    public Tensor Exp() => ExpOp.Call(this);

    /// <summary>Adds <paramref name="scale"/> * <paramref name="other"/> to this tensor's own values.</summary>
    public void AddInto(Tensor other, double scale = 1) => AddInPlace.Run(this, other, scale);

    /// <summary>Adds a number to this tensor's own values.</summary>
    internal void AddInto(double number) => AddNumberInPlace.Run(this, number);

    /// <summary>Multiplies this tensor's own values.</summary>
    public void ScaleInto(double factor) => MulInPlace.Run(this, factor);

    /// <summary>Multiplies this tensor's own values by those of another.</summary>
    internal void ScaleInto(Tensor factors) => MulTensorInPlace.Run(this, factors);

    /// <summary>Moves this tensor's own values by <paramref name="weight"/> of the way to <paramref name="end"/>.</summary>
    public void LerpInto(Tensor end, double weight) => LerpInPlace.Run(this, end, weight);

    /// <summary>Sets this tensor's own values to zero.</summary>
    public void ZeroInto() => ZeroInPlace.Run(this);

    /// <summary>Overwrites this tensor's own values with those of <paramref name="source"/>, which broadcasts to its shape.</summary>
    public void CopyFrom(Tensor source) => CopyInPlace.Run(this, source);
}
