namespace OtoMask.Torch;

// Making, viewing and moving tensors.
public sealed partial class Tensor
{
    private static readonly Operator ZerosOp = new("aten::zeros"), RangeOp = new("aten::arange"), ReshapeOp = new("aten::reshape"), ViewOp = new("aten::view"), PermuteOp = new("aten::permute");
    private static readonly Operator TransposeOp = new("aten::transpose", "int"), NarrowOp = new("aten::narrow"), ExpandOp = new("aten::expand");
    private static readonly Operator CatOp = new("aten::cat"), UnbindOp = new("aten::unbind", "int"), IndexSelectOp = new("aten::index_select");
    private static readonly Operator ToTypeOp = new("aten::to", "dtype"), ToDeviceOp = new("aten::to", "device");
    private static readonly Operator DetachOp = new("aten::detach"), CloneOp = new("aten::clone"), RequiresGradOp = new("aten::requires_grad_"), ContiguousOp = new("aten::contiguous");

    /// <summary>Zeros of a shape.</summary>
    public static Tensor Zeros(Device device, DType type, params long[] shape) => ZerosOp.Call(shape, type, Argument.None, device);

    /// <summary>0, 1, .. as 64-bit integers, [count].</summary>
    public static Tensor Range(Device device, long count) => RangeOp.Call(count, DType.Int64, Argument.None, device);

    /// <summary>Zeros like this tensor in shape, type and device.</summary>
    public Tensor ZerosLike() => Zeros(Device, DType, Shape);

    /// <summary>The same values in another shape; -1 stands for whatever length fits.</summary>
    public Tensor Reshape(params long[] shape) => ReshapeOp.Call(this, shape);

    /// <summary>The same memory in another shape; fails where that needs a copy.</summary>
    public Tensor View(params long[] shape) => ViewOp.Call(this, shape);

    /// <summary>Dimensions in another order.</summary>
    public Tensor Permute(params long[] order) => PermuteOp.Call(this, order);

    /// <summary>Two dimensions exchanged; negative ones count from the end.</summary>
    public Tensor Transpose(int first, int second) => TransposeOp.Call(this, first, second);

    /// <summary>A view of <paramref name="length"/> entries of one dimension, from <paramref name="start"/>.</summary>
    public Tensor Narrow(int dimension, long start, long length) => NarrowOp.Call(this, dimension, start, length);

    /// <summary>Dimensions of length 1 repeated without copying; -1 leaves one as it is.</summary>
    public Tensor Expand(params long[] shape) => ExpandOp.Call(this, shape);

    /// <summary>Tensors one after the other along a dimension.</summary>
    public static Tensor Cat(int dimension, params Tensor[] tensors) => CatOp.Call(tensors, dimension);

    /// <summary>The slices along a dimension, without it.</summary>
    public Tensor[] Unbind(int dimension) => UnbindOp.CallMany(this, dimension);

    /// <summary>The rows (entries of one dimension) that the 1-D <paramref name="ids"/> name, in that order.</summary>
    public Tensor IndexSelect(int dimension, Tensor ids) => IndexSelectOp.Call(this, dimension, ids);


    /// <summary>The same values as another type; itself when it has that type.</summary>
    public Tensor To(DType type) => ToTypeOp.Call(this, type);

    /// <summary>The same values on another device; itself when it is there.</summary>
    public Tensor To(Device device) => ToDeviceOp.Call(this, device, DType);

    /// <summary>The same values, unknown to autograd.</summary>
    public Tensor Detach() => DetachOp.Call(this);

    /// <summary>A copy.</summary>
    public Tensor Clone() => CloneOp.Call(this);

    /// <summary>The same values in row-major memory order.</summary>
    public Tensor Contiguous() => ContiguousOp.Call(this);

    /// <summary>Marks this leaf as one whose gradient is wanted.</summary>
    public void RequireGradient() => RequiresGradOp.Run(this, true);
}
