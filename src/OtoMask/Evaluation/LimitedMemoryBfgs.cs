using System.Numerics;

namespace OtoMask.Evaluation;

/// <summary>Minimises a smooth convex function from its gradients.</summary>
/// <remarks>Nocedal, "Updating quasi-Newton matrices with limited storage", 1980; two-loop recursion as in Nocedal and
/// Wright, "Numerical Optimization", algorithm 7.4, with a backtracking line search.</remarks>
internal static class LimitedMemoryBfgs
{
    private const int Memory = 10, MostHalvings = 20;
    private const double SufficientDecrease = 1e-4;

    /// <summary>The function's value at a point; its gradient goes into the second argument.</summary>
    public delegate double Objective(double[] point, double[] gradient);

    /// <summary>Moves <paramref name="point"/> to the minimum.</summary>
    /// <param name="objective">The function.</param>
    /// <param name="point">Where to begin; receives the minimum.</param>
    /// <param name="tolerance">Ends when a step lowers the value by less than this share of it.</param>
    /// <param name="mostIterations">Ends after so many steps at the latest.</param>
    /// <returns>Steps taken.</returns>
    public static int Minimise(Objective objective, double[] point, double tolerance, int mostIterations)
    {
        var (gradient, nextPoint, nextGradient) = (new double[point.Length], new double[point.Length], new double[point.Length]);
        var history = new LinkedList<Correction>();
        double value = objective(point, gradient);
        for (int iteration = 1; iteration <= mostIterations; iteration++)
        {
            double[] direction = Descend(gradient, history);
            double slope = Dot(direction, gradient), step = history.Count == 0 ? 1 / Math.Max(1, Math.Sqrt(Dot(gradient, gradient))) : 1;
            double? next = null;
            for (int halving = 0; halving < MostHalvings && next is null; halving++, step /= 2)
            {
                for (int i = 0; i < point.Length; i++)
                    nextPoint[i] = point[i] + step * direction[i];
                double tried = objective(nextPoint, nextGradient);
                if (tried <= value + SufficientDecrease * step * slope)
                    next = tried;
            }
            if (next is null)
                return iteration; // no decrease left that rounding lets us see

            Remember(history, point, nextPoint, gradient, nextGradient);
            double decrease = value - next.Value;
            value = next.Value;
            nextPoint.CopyTo(point, 0);
            (gradient, nextGradient) = (nextGradient, gradient);
            if (decrease <= tolerance * Math.Abs(value))
                return iteration;
        }
        return mostIterations;
    }

    private static void Remember(LinkedList<Correction> history, double[] point, double[] nextPoint, double[] gradient, double[] nextGradient)
    {
        double[] moved = Subtract(nextPoint, point), bent = Subtract(nextGradient, gradient);
        double curvature = Dot(moved, bent);
        if (curvature <= 1e-12 * Dot(bent, bent))
            return; // rounding, not curvature
        history.AddLast(new Correction(moved, bent, curvature));
        if (history.Count > Memory)
            history.RemoveFirst();
    }

    /// <summary>Minus the approximate inverse Hessian times the gradient.</summary>
    private static double[] Descend(double[] gradient, LinkedList<Correction> history)
    {
        double[] direction = Array.ConvertAll(gradient, slope => -slope);
        var weights = new Stack<double>();
        for (LinkedListNode<Correction>? node = history.Last; node is not null; node = node.Previous)
        {
            double weight = Dot(node.Value.Moved, direction) / node.Value.Curvature;
            weights.Push(weight);
            Add(direction, -weight, node.Value.Bent);
        }
        if (history.Last is { Value: var latest })
            Scale(direction, latest.Curvature / Dot(latest.Bent, latest.Bent));
        foreach (Correction correction in history)
            Add(direction, weights.Pop() - Dot(correction.Bent, direction) / correction.Curvature, correction.Moved);
        return direction;
    }

    private static double Dot(double[] a, double[] b)
    {
        Vector<double> sums = default;
        int i = 0;
        for (; i <= a.Length - Vector<double>.Count; i += Vector<double>.Count)
            sums += new Vector<double>(a, i) * new Vector<double>(b, i);
        double sum = Vector.Sum(sums);
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static void Add(double[] target, double factor, double[] term)
    {
        int i = 0;
        for (; i <= target.Length - Vector<double>.Count; i += Vector<double>.Count)
            (new Vector<double>(target, i) + factor * new Vector<double>(term, i)).CopyTo(target, i);
        for (; i < target.Length; i++)
            target[i] += factor * term[i];
    }

    private static void Scale(double[] target, double factor)
    {
        for (int i = 0; i < target.Length; i++)
            target[i] *= factor;
    }

    private static double[] Subtract(double[] a, double[] b)
    {
        var difference = new double[a.Length];
        for (int i = 0; i < a.Length; i++)
            difference[i] = a[i] - b[i];
        return difference;
    }

    /// <summary>One step and how the gradient changed over it.</summary>
    private sealed record Correction(double[] Moved, double[] Bent, double Curvature);
}
