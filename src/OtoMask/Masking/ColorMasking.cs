using System.Numerics;
using System.Runtime.InteropServices;
using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>
/// <c>color-red</c>, <c>color-green</c>, <c>color-blue</c>, <c>color-purple</c>: the patches where coloured noise is highest stay visible. A hint ratio of 1 or more makes it
/// <c>random</c>; a lesser one is ignored.
/// </summary>
/// <param name="filter">The colour.</param>
/// <remarks>Hinojosa et al., "ColorMAE", arXiv 2407.13036; docs/method.md section 2. Every clip has noise of its own, as large as its grid needs and without edges, where the paper crops stored patterns.</remarks>
internal sealed class ColorMasking(NoiseFilter filter) : IMaskingStrategy
{
    /// <inheritdoc/>
    public PatchMask Sample(in PatchView clip, in MaskingContext context)
    {
        PatchGrid grid = clip.Grid;
        if (context.HintRatio >= HintRatio.Random)
            return RandomMasking.Draw(grid, context);

        Span<float> heights = grid.Count <= Scratch.OnStack ? stackalloc float[grid.Count] : new float[grid.Count];
        Fill(grid, context.Clip, heights);
        int visibleCount = grid.VisibleCount(context.MaskRatio);
        Span<int> ids = grid.Count <= Scratch.OnStack ? stackalloc int[grid.Count] : new int[grid.Count];
        Ranking.LargestFirst(heights, visibleCount, ids);
        return PatchMask.Of(ids[..visibleCount], ids[visibleCount..]);
    }

    /// <summary>Coloured noise over the grid: value(i, j) = sum over a, b of filter[a, b] * white[i + a, j + b], in this order, in double.</summary>
    private void Fill(PatchGrid grid, RandomStream random, Span<float> heights)
    {
        int width = grid.Columns + 2 * NoiseFilter.Reach, lanes = Vector<double>.Count;
        int padded = (grid.Columns + lanes - 1) / lanes * lanes;
        var white = new double[(grid.Rows + 2 * NoiseFilter.Reach) * width + lanes]; // the last vector of a row reads into the next one
        for (int cell = 0; cell < white.Length - lanes; cell++)
            white[cell] = random.NextSingle() - 0.5;

        ref double noise = ref MemoryMarshal.GetArrayDataReference(white);
        ReadOnlySpan<double> weights = filter.Values;
        for (int row = 0; row < grid.Rows; row++)
        {
            for (int column = 0; column < padded; column += lanes)
            {
                Vector<double> sum = Vector<double>.Zero;
                for (int a = 0; a < NoiseFilter.Side; a++)
                {
                    int start = (row + a) * width + column;
                    for (int b = 0; b < NoiseFilter.Side; b++)
                        sum += weights[a * NoiseFilter.Side + b] * Vector.LoadUnsafe(ref noise, (nuint)(start + b));
                }
                for (int lane = 0; lane < Math.Min(lanes, grid.Columns - column); lane++)
                    heights[row * grid.Columns + column + lane] = (float)sum[lane];
            }
        }
    }
}
