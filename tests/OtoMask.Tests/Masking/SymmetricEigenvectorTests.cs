using MathNet.Numerics.LinearAlgebra;
using OtoMask.Masking;
using OtoMask.Randomness;

namespace OtoMask.Tests.Masking;

public class SymmetricEigenvectorTests
{
    [Theory, InlineData(1), InlineData(2), InlineData(3), InlineData(7), InlineData(40), InlineData(95)]
    public void Every_eigenvector_of_a_random_matrix_is_found(int n)
    {
        Matrix<double> matrix = RandomSymmetric(n);
        var decomposition = matrix.Evd(Symmetricity.Symmetric);
        for (int index = 0; index < n; index += Math.Max(1, n / 5))
        {
            Vector<double> expected = decomposition.EigenVectors.Column(index), actual = Eigenvector(matrix, index);
            Assert.Equal(1, Math.Abs(expected.DotProduct(actual)), 9);
        }
    }

    [Fact]
    public void Eigenvalues_that_nearly_coincide_are_told_apart()
    {
        const int n = 30;
        Matrix<double> basis = RandomSymmetric(n).Evd(Symmetricity.Symmetric).EigenVectors;
        double[] eigenvalues = [.. Enumerable.Range(0, n).Select(i => i == n - 1 ? 20 + 1e-6 : Math.Min(i, 20))];
        Matrix<double> matrix = basis * Matrix<double>.Build.DenseOfDiagonalArray(eigenvalues) * basis.Transpose();
        Assert.Equal(1, Math.Abs(basis.Column(n - 1).DotProduct(Eigenvector(matrix, n - 1))), 9);
    }

    [Fact]
    public void A_multiple_eigenvalue_gives_some_vector_of_its_space()
    {
        Matrix<double> matrix = Matrix<double>.Build.DenseIdentity(6);
        Vector<double> vector = Eigenvector(matrix, 3);
        Assert.Equal(1, vector.L2Norm(), 12);
        Assert.Equal(0, (matrix * vector - vector).L2Norm(), 12);
    }

    private static Vector<double> Eigenvector(Matrix<double> matrix, int index)
    {
        var vector = new double[matrix.RowCount];
        SymmetricEigenvector.At(matrix.ToRowMajorArray(), index, vector);
        return Vector<double>.Build.Dense(vector);
    }

    private static Matrix<double> RandomSymmetric(int n)
    {
        var random = new RandomStream(5, RandomPurpose.Mask);
        Matrix<double> half = Matrix<double>.Build.Dense(n, n, (_, _) => random.NextNormal());
        return half + half.Transpose();
    }
}
