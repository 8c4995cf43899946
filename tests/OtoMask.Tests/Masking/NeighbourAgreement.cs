using OtoMask.Geometry;
using OtoMask.Masking;

namespace OtoMask.Tests.Masking;

/// <summary>How much a mask hangs together.</summary>
internal static class NeighbourAgreement
{
    /// <summary>(Share of horizontal neighbours in the same state + share of vertical ones) / 2.</summary>
    public static double Of(PatchMask mask, PatchGrid grid)
    {
        (double horizontal, double vertical) = Ways(mask, grid);
        return (horizontal + vertical) / 2;
    }

    /// <summary>Share of horizontal and of vertical neighbours in the same state.</summary>
    public static (double Horizontal, double Vertical) Ways(PatchMask mask, PatchGrid grid)
    {
        var isMasked = new bool[grid.Count];
        foreach (int id in mask.Masked)
            isMasked[id] = true;
        var (horizontal, vertical) = (0, 0);
        for (int row = 0; row < grid.Rows; row++)
            for (int column = 0; column < grid.Columns; column++)
            {
                int id = row * grid.Columns + column;
                if (column + 1 < grid.Columns && isMasked[id] == isMasked[id + 1])
                    horizontal++;
                if (row + 1 < grid.Rows && isMasked[id] == isMasked[id + grid.Columns])
                    vertical++;
            }
        return (horizontal / (double)(grid.Rows * (grid.Columns - 1)), vertical / (double)((grid.Rows - 1) * grid.Columns));
    }
}
