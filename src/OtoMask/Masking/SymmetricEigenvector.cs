using System.Buffers;

namespace OtoMask.Masking;

/// <summary>One eigenvector of a symmetric matrix, to machine precision and without computing the others.</summary>
/// <remarks>Householder reduction to a tridiagonal matrix, the eigenvalue by bisection on Sturm counts, its vector by inverse
/// iteration, and the way back (Wilkinson, "The Algebraic Eigenvalue Problem", 1965; LAPACK's dsyevx does the same). Nearby
/// eigenvalues do not slow it down or blur it, as they would a power iteration.</remarks>
internal static class SymmetricEigenvector
{
    /// <summary>The eigenvector of the eigenvalue at one index in ascending order.</summary>
    /// <param name="matrix">[n, n], of which the lower triangle is read; overwritten.</param>
    /// <param name="index">0 for the smallest eigenvalue, n - 1 for the largest.</param>
    /// <param name="vector">[n], receives the eigenvector, of length 1 and either sign.</param>
    public static void At(Span<double> matrix, int index, Span<double> vector)
    {
        int n = vector.Length;
        double[] work = ArrayPool<double>.Shared.Rent(8 * n);
        Span<double> diagonal = work.AsSpan(0, n), below = work.AsSpan(n, n), free = work.AsSpan(2 * n, 6 * n);

        Tridiagonalise(matrix, diagonal, below, free[..n]);
        double eigenvalue = Eigenvalue(diagonal, below, index);
        InverseIteration(diagonal, below, eigenvalue, vector, free);
        UndoReflections(matrix, vector);

        ArrayPool<double>.Shared.Return(work);
    }

    /// <summary>
    /// Reduces the matrix from its last row up by reflections P = I - 2 v v^T, each on the coordinates before its row; v stays in
    /// the row, for the way back.
    /// </summary>
    /// <param name="matrix">[n, n], lower triangle.</param>
    /// <param name="diagonal">[n], receives the diagonal of the tridiagonal matrix.</param>
    /// <param name="below">[n], receives at i the element (i, i - 1); at 0 zero.</param>
    /// <param name="product">[n], work space.</param>
    private static void Tridiagonalise(Span<double> matrix, Span<double> diagonal, Span<double> below, Span<double> product)
    {
        int n = diagonal.Length;
        for (int i = n - 1; i >= 1; i--)
        {
            diagonal[i] = matrix[i * n + i];
            Span<double> reflector = matrix.Slice(i * n, i);
            below[i] = MakeReflector(reflector);

            // The rows before i become P A P = A - v q^T - q v^T with q = 2 (A v - v (v^T A v)).
            Span<double> q = product[..i];
            q.Clear();
            for (int row = 0; row < i; row++)
            {
                ReadOnlySpan<double> left = matrix.Slice(row * n, row); // what is left of the diagonal stands above it too
                q[row] += DenseVector.Dot(left, reflector[..row]) + matrix[row * n + row] * reflector[row];
                DenseVector.AddScaled(q[..row], reflector[row], left);
            }
            double curvature = DenseVector.Dot(q, reflector);
            for (int row = 0; row < i; row++)
                q[row] = 2 * (q[row] - curvature * reflector[row]);
            for (int row = 0; row < i; row++)
                DenseVector.AddScaled(matrix.Slice(row * n, row + 1), -reflector[row], q[..(row + 1)], -q[row], reflector[..(row + 1)]);
        }
        diagonal[0] = matrix[0];
        below[0] = 0;
    }

    /// <summary>Replaces x by the unit vector v for which (I - 2 v v^T) x has only its last element, which is returned.</summary>
    private static double MakeReflector(Span<double> x)
    {
        double last = x[^1], rest = DenseVector.Dot(x[..^1], x[..^1]);
        if (rest == 0)
        {
            x.Clear(); // nothing to reflect
            return last;
        }
        double image = -Math.CopySign(Math.Sqrt(rest + last * last), last); // the sign that does not cancel
        x[^1] = last - image;
        double scale = 1 / Math.Sqrt(rest + x[^1] * x[^1]);
        foreach (ref double value in x)
            value *= scale;
        return image;
    }

    /// <summary>The eigenvalue at <paramref name="index"/> of the tridiagonal matrix, by bisection down to rounding.</summary>
    private static double Eigenvalue(ReadOnlySpan<double> diagonal, ReadOnlySpan<double> below, int index)
    {
        var (low, high) = GershgorinBounds(diagonal, below);
        double resolution = Resolution(low, high);
        while (high - low > resolution)
        {
            double middle = low + (high - low) / 2;
            if (CountBelow(diagonal, below, middle) > index)
                high = middle;
            else
                low = middle;
        }
        return low + (high - low) / 2;
    }

    /// <summary>What rounding leaves of an eigenvalue: two units in the last place of the largest there may be.</summary>
    private static double Resolution(double low, double high) => Math.Max(Math.Max(Math.Abs(low), Math.Abs(high)) * 4.5e-16, 1e-300);

    private static (double Low, double High) GershgorinBounds(ReadOnlySpan<double> diagonal, ReadOnlySpan<double> below)
    {
        var (low, high) = (double.PositiveInfinity, double.NegativeInfinity);
        for (int i = 0; i < diagonal.Length; i++)
        {
            double radius = Math.Abs(below[i]) + (i + 1 < below.Length ? Math.Abs(below[i + 1]) : 0);
            low = Math.Min(low, diagonal[i] - radius);
            high = Math.Max(high, diagonal[i] + radius);
        }
        return (low, high);
    }

    /// <summary>How many eigenvalues lie below x: the negative pivots of T - x I (Sylvester's law of inertia).</summary>
    private static int CountBelow(ReadOnlySpan<double> diagonal, ReadOnlySpan<double> below, double x)
    {
        int count = 0;
        double pivot = 1;
        for (int i = 0; i < diagonal.Length; i++)
        {
            pivot = diagonal[i] - x - below[i] * below[i] / pivot;
            if (pivot == 0)
                pivot = double.Epsilon * (1L << 52); // the smallest normal number: an eigenvalue on the spot counts as above
            count += pivot < 0 ? 1 : 0;
        }
        return count;
    }

    /// <summary>Solves (T - eigenvalue I) x = x a few times: all but the wanted direction fades by a factor near 1e-15 each time.</summary>
    /// <param name="diagonal">[n].</param>
    /// <param name="below">[n], from index 1.</param>
    /// <param name="eigenvalue">An eigenvalue of the matrix.</param>
    /// <param name="x">[n], receives the vector.</param>
    /// <param name="work">[at least 5 n].</param>
    private static void InverseIteration(
        ReadOnlySpan<double> diagonal, ReadOnlySpan<double> below, double eigenvalue, Span<double> x, Span<double> work)
    {
        const int Rounds = 4;
        int n = x.Length;
        Span<double> pivots = work[..n], upper = work.Slice(n, n), upper2 = work.Slice(2 * n, n), factors = work.Slice(3 * n, n);
        Span<double> swapped = work.Slice(4 * n, n); // 1 where row i changed places with row i + 1

        // Gaussian elimination with partial pivoting; rows of U: pivots, upper, upper2.
        var (low, high) = GershgorinBounds(diagonal, below);
        double least = Resolution(low, high);
        pivots[0] = diagonal[0] - eigenvalue;
        upper[0] = n > 1 ? below[1] : 0;
        for (int i = 0; i < n - 1; i++)
        {
            double next = below[i + 1], nextDiagonal = diagonal[i + 1] - eigenvalue, nextUpper = i + 2 < n ? below[i + 2] : 0;
            bool swap = Math.Abs(next) > Math.Abs(pivots[i]);
            swapped[i] = swap ? 1 : 0;
            if (swap)
            {
                factors[i] = pivots[i] / next;
                (pivots[i], double oldUpper, upper[i], upper2[i]) = (next, upper[i], nextDiagonal, nextUpper);
                pivots[i + 1] = oldUpper - factors[i] * upper[i];
                upper[i + 1] = -factors[i] * upper2[i];
            }
            else
            {
                if (Math.Abs(pivots[i]) < least)
                    pivots[i] = least;
                factors[i] = next / pivots[i];
                upper2[i] = 0;
                pivots[i + 1] = nextDiagonal - factors[i] * upper[i];
                upper[i + 1] = nextUpper;
            }
        }
        if (Math.Abs(pivots[n - 1]) < least)
            pivots[n - 1] = least;

        // Any start that no eigenvector is orthogonal to by construction will do.
        for (int i = 0; i < n; i++)
            x[i] = 1 + 0.5 * Math.Sin(1 + 7.3 * i);
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < n - 1; i++)
            {
                if (swapped[i] != 0)
                    (x[i], x[i + 1]) = (x[i + 1], x[i]);
                x[i + 1] -= factors[i] * x[i];
            }
            for (int i = n - 1; i >= 0; i--)
            {
                double right = x[i];
                if (i + 1 < n)
                    right -= upper[i] * x[i + 1];
                if (i + 2 < n)
                    right -= upper2[i] * x[i + 2];
                x[i] = right / pivots[i];
            }
            DenseVector.Normalise(x);
        }
    }

    private static void UndoReflections(ReadOnlySpan<double> matrix, Span<double> vector)
    {
        int n = vector.Length;
        for (int i = 1; i < n; i++)
        {
            ReadOnlySpan<double> reflector = matrix.Slice(i * n, i);
            DenseVector.AddScaled(vector[..i], -2 * DenseVector.Dot(reflector, vector[..i]), reflector);
        }
    }
}
