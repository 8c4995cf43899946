using OtoMask.Data;
using OtoMask.Masking;
using OtoMask.Torch;

namespace OtoMask.Pretraining;

// B clips, K masks of each, L patches of a clip, Lv of them visible, D width.

/// <summary>Object-centric masks drawn on the device that the features are on, so that the step does not wait for them.</summary>
/// <remarks>What <see cref="ObjectCentricMasking"/> does, as operators over the whole batch: the same cuts, scores, ranks and random numbers. An eigenvector comes
/// from squaring the matrix again and again (the power method), for a library's solver asks the host whether it has converged.</remarks>
internal sealed class DeviceMasking
{
    private const int Squarings = 20; // the power 2^20: of directions whose eigenvalues differ by a hundred-thousandth, one is left
    private const double LeastAffinity = 1e-12, LeastLength = 1e-300;
    private static readonly Operator SortOp = new("aten::sort", "stable"), GatherOp = new("aten::gather"), LargestOp = new("aten::amax"), AbsoluteOp = new("aten::abs");
    private static readonly Operator DiagonalOp = new("aten::diag_embed"), AtLeastOp = new("aten::clamp_min");
    private readonly Func<Tensor, Tensor> cut;

    private DeviceMasking(Func<Tensor, Tensor> cut) => this.cut = cut;

    /// <summary>What draws as a strategy does; null where only the strategy itself knows how, on the host.</summary>
    public static DeviceMasking? Of(IFeatureMaskingStrategy? masking) => masking is not ObjectCentricMasking { Cut: var cut } ? null
        : cut == PatchCuts.PrincipalAxis ? new DeviceMasking(PrincipalAxis)
        : cut == PatchCuts.Spectral ? new DeviceMasking(Spectral)
        : null;

    /// <summary>The ids of visible [B * K, Lv] and of masked patches [B * K, L - Lv], ascending.</summary>
    /// <param name="batch">The batch, not masked yet; its hint ratio is less than 1.</param>
    /// <param name="features">[B, L, D].</param>
    public (Tensor Visible, Tensor Masked) Draw(MaskedBatch batch, Tensor features)
    {
        using var scope = new TensorScope();
        (int clips, int masks, int patches) = (batch.Count, batch.MasksPerClip, batch.Grid.Count);
        int visible = batch.Grid.VisibleCount(batch.ContextOf(0).MaskRatio);
        Tensor ranked = SortOp.CallMany(Scores(features), true, -1, true)[1]; // [B, L], of equal scores the lower id first
        Tensor ids = Ascending(ranked, visible).View(clips, 1, patches).Expand(clips, masks, patches).Reshape(clips * masks, patches);
        // Which places are traded depends on random numbers alone, so that they are drawn here and go over beforehand.
        Tensor traded = GatherOp.Call(ids, 1, Tensor.Send(features.Device, TradedPlaces(batch, visible), clips * masks, patches));
        Tensor drawn = Ascending(traded, visible);
        return (scope.Keep(drawn.Narrow(1, 0, visible).Contiguous()), scope.Keep(drawn.Narrow(1, visible, patches - visible).Contiguous()));
    }

    /// <summary>The larger of each patch's cosines to the two group centres: [B, L, D] -> [B, L].</summary>
    internal Tensor Scores(Tensor features)
    {
        using var scope = new TensorScope();
        Tensor points = Unit(features.To(DType.Float64));
        Tensor first = (cut(points) >= 0).To(DType.Float64).View(points.Shape[0], 1, points.Shape[1]);
        Tensor centres = Unit(Tensor.Cat(1, first, first * -1.0 + 1.0).MatMul(points)); // [B, 2, D]
        return scope.Keep(LargestOp.Call(points.MatMul(centres.Transpose(1, 2)), new long[] { -1 }).To(DType.Float32));
    }

    /// <summary>Both parts of [.., L] ids sorted: the visible ones, then the masked ones.</summary>
    private static Tensor Ascending(Tensor ids, int visible)
    {
        Tensor Sorted(long start, long count) => SortOp.CallMany(ids.Narrow(1, start, count), true, -1, false)[0];
        return Tensor.Cat(1, Sorted(0, visible), Sorted(visible, ids.Shape[1] - visible));
    }

    /// <summary>[B * K, L]: for each mask, the place whose patch comes to each place when the hint ratio trades.</summary>
    private static long[] TradedPlaces(MaskedBatch batch, int visible)
    {
        int masks = batch.MasksPerClip, patches = batch.Grid.Count;
        var places = new long[batch.Count * masks * patches];
        Parallel.For(0, batch.Count * masks, row => HintRatio.TradedPlaces(batch.ContextOf(row / masks, row % masks), visible, places.AsSpan(row * patches, patches)));
        return places;
    }

    /// <summary>As <see cref="PatchCuts.PrincipalAxis"/>: [B, L, D] -> [B, L].</summary>
    private static Tensor PrincipalAxis(Tensor points)
    {
        Tensor centred = points - points.Mean(1, keep: true), transposed = centred.Transpose(1, 2);
        (long clips, long count, long width) = (points.Shape[0], points.Shape[1], points.Shape[2]);
        Tensor side = count <= width ? Dominant(centred.MatMul(transposed)) : centred.MatMul(Dominant(transposed.MatMul(centred)));
        return side.View(clips, count);
    }

    /// <summary>As <see cref="PatchCuts.Spectral"/>: [B, L, D] -> [B, L].</summary>
    private static Tensor Spectral(Tensor points)
    {
        Tensor affinities = points.MatMul(points.Transpose(1, 2)) + LeastAffinity, sums = affinities.Sum(-1); // [B, L, L], [B, L]
        // The second smallest of the Laplacian is the second largest of a number that no eigenvalue exceeds less it.
        Tensor most = LargestOp.Call(sums + AbsoluteOp.Call(affinities).Sum(-1), new long[] { -1 }, true); // [B, 1]
        Tensor turned = affinities + DiagonalOp.Call(most - sums);
        Tensor largest = Dominant(turned), height = largest.Transpose(1, 2).MatMul(turned).MatMul(largest); // [B, L, 1], [B, 1, 1]
        Tensor side = points.Shape[1] == 1 ? largest : Dominant(turned - largest.MatMul(largest.Transpose(1, 2)) * height);
        return side.View(points.Shape[0], points.Shape[1]);
    }

    /// <summary>The eigenvector of the largest eigenvalue of symmetric matrices that have none below zero: [B, n, n] -> [B, n, 1].</summary>
    private static Tensor Dominant(Tensor matrix)
    {
        using var scope = new TensorScope();
        (long clips, long n) = (matrix.Shape[0], matrix.Shape[1]);
        for (int i = 0; i < Squarings; i++)
        {
            Tensor scaled = Unit(matrix.Reshape(clips, n * n)).View(clips, n, n); // its powers neither vanish nor overflow
            matrix = scaled.MatMul(scaled);
        }
        // Any start that no eigenvector is orthogonal to by construction will do.
        double[] start = [.. Enumerable.Range(0, (int)n).Select(i => 1 + 0.5 * Math.Sin(1 + 7.3 * i))];
        Tensor vector = matrix.MatMul(Tensor.Send(matrix.Device, start, n, 1)); // [B, n, 1]
        return scope.Keep(Unit(vector.View(clips, n)).View(clips, n, 1));
    }

    /// <summary>Each vector of the last dimension at length 1; zeros stay zeros.</summary>
    private static Tensor Unit(Tensor x) => x / AtLeastOp.Call((x * x).Sum(-1, keep: true).Sqrt(), LeastLength);
}
