using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>
/// <c>time-span</c>: runs of consecutive time steps are masked over all frequencies. Runs start anywhere that leaves them room;
/// they are drawn until at least floor(Nt * ratio) steps are masked, then the steps masked last are freed until it is exactly
/// that many. The hint ratio is ignored.
/// </summary>
/// <param name="runLength">n, time steps (patch columns) of one run, at least 1; a shorter clip is one run.</param>
/// <remarks>docs/method.md section 2. Masked patches: Nf * floor(Nt * ratio).</remarks>
internal sealed class TimeSpanMasking(int runLength = TimeSpanMasking.DefaultRunLength) : IMaskingStrategy
{
    /// <summary>Time steps of one run unless told otherwise.</summary>
    public const int DefaultRunLength = 10;

    private readonly int runLength = runLength >= 1
        ? runLength
        : throw new UserErrorException($"time-span: the run length is {runLength}; give at least 1 time step");

    /// <inheritdoc/>
    public PatchMask Sample(in PatchView clip, in MaskingContext context)
    {
        PatchGrid grid = clip.Grid;
        RandomStream random = context.Clip;
        int maskedSteps = MaskedSteps(grid, context.MaskRatio), run = Math.Min(runLength, grid.Columns);

        Span<bool> isMasked = grid.Count <= Scratch.OnStack ? stackalloc bool[grid.Count] : new bool[grid.Count];
        isMasked.Clear();
        Span<bool> steps = isMasked[..grid.Columns]; // the first row; the others are copies of it
        for (int masked = 0; masked < maskedSteps;)
        {
            int start = random.NextInt32(grid.Columns - run + 1);
            // Stopping within the last run is the same as masking all of it and freeing its last steps again.
            for (int step = start; step < start + run && masked < maskedSteps; step++)
            {
                masked += steps[step] ? 0 : 1;
                steps[step] = true;
            }
        }
        for (int row = 1; row < grid.Rows; row++)
            steps.CopyTo(isMasked[(row * grid.Columns)..]);
        return PatchMask.Of(isMasked, grid.Rows * maskedSteps);
    }

    /// <summary>Why nothing would be masked; null if something is (a ratio below 1 always leaves a step visible).</summary>
    internal static string? Impossible(PatchGrid grid, double maskRatio) =>
        MaskedSteps(grid, maskRatio) < 1 ? "no whole time step would be masked" : null;

    private static int MaskedSteps(PatchGrid grid, double maskRatio) => (int)(grid.Columns * maskRatio);
}
