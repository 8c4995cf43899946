namespace OtoMask.Torch;

// Sums, means and choices over dimensions.
public sealed partial class Tensor
{
    private static readonly Operator SumOp = new("aten::sum"), SumDimOp = new("aten::sum", "dim_IntList"), MeanOp = new("aten::mean"), MeanDimOp = new("aten::mean", "dim");
    private static readonly Operator VarOp = new("aten::var", "dim"), NormOp = new("otomask::norm"), TopKOp = new("aten::topk"), SortOp = new("aten::argsort");

    /// <summary>Sum of all values, a tensor of no dimension.</summary>
    public Tensor Sum() => SumOp.Call(this);

    /// <summary>Sums over one dimension.</summary>
    public Tensor Sum(int dimension, bool keep = false) => SumDimOp.Call(this, new long[] { dimension }, keep);

    /// <summary>Mean of all values, a tensor of no dimension.</summary>
    public Tensor Mean() => MeanOp.Call(this);

    /// <summary>Means over one dimension.</summary>
    public Tensor Mean(int dimension, bool keep = false) => MeanDimOp.Call(this, new long[] { dimension }, keep);

    /// <summary>Unbiased variances (n - 1) over one dimension.</summary>
    public Tensor Variance(int dimension, bool keep = false) => VarOp.Call(this, new long[] { dimension }, true, keep);

    /// <summary>Euclidean norm of all values, a tensor of no dimension; no gradient flows through it.</summary>
    public Tensor Norm() => NormOp.Call(this);

    /// <summary>Where the values of the last dimension stand in ascending order; of a permutation, its inverse.</summary>
    internal Tensor SortedPlaces() => SortOp.Call(this, -1, false);

    /// <summary>The <paramref name="count"/> largest values along a dimension, largest first, and where they are.</summary>
    public (Tensor Values, Tensor Ids) TopK(int count, int dimension = -1)
    {
        Tensor[] found = TopKOp.CallMany(this, count, dimension);
        return (found[0], found[1]);
    }
}
