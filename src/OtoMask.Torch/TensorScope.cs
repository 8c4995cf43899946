namespace OtoMask.Torch;

/// <summary>
/// Disposes every tensor made on this thread between its construction and its <see cref="Dispose"/>, except those
/// given to <see cref="Keep"/>. Scopes nest; a kept tensor moves to the scope outside. Never <c>await</c> inside one.
/// </summary>
/// <example><code>
/// using var scope = new TensorScope();
/// return scope.Keep(x.MatMul(w) + b);
/// </code></example>
public sealed class TensorScope : IDisposable
{
    [ThreadStatic]
    private static TensorScope? current;
    private static long live;

    private readonly TensorScope? outer;
    private readonly List<Tensor> made = [];

    /// <summary>Opens a scope on this thread.</summary>
    public TensorScope()
    {
        outer = current;
        current = this;
    }

    /// <summary>Native tensors alive in this process, in any scope or none; for leak checks.</summary>
    public static long LiveTensors => Interlocked.Read(ref live);

    /// <summary>Lets <paramref name="tensor"/> outlive this scope: it joins the scope outside, or none.</summary>
    public Tensor Keep(Tensor tensor)
    {
        if (tensor.Scope == this)
        {
            tensor.Scope = outer;
            outer?.made.Add(tensor);
        }
        return tensor;
    }

    /// <summary>Takes <paramref name="tensor"/> out of every scope: its owner disposes it.</summary>
    public Tensor KeepForever(Tensor tensor)
    {
        tensor.Scope = null;
        return tensor;
    }

    /// <summary>Disposes what was made inside and not kept.</summary>
    /// <exception cref="InvalidOperationException">Scopes were closed out of order or on another thread.</exception>
    public void Dispose()
    {
        if (current != this)
            throw new InvalidOperationException("tensor scopes must be closed innermost first, on the thread that opened them");
        current = outer;
        foreach (Tensor tensor in made)
        {
            if (tensor.Scope == this)
                tensor.Dispose();
        }
        made.Clear();
    }

    internal static void Adopt(Tensor tensor)
    {
        tensor.Scope = current;
        current?.made.Add(tensor);
    }

    internal static void CountMade() => Interlocked.Increment(ref live);

    internal static void CountFreed() => Interlocked.Decrement(ref live);
}
