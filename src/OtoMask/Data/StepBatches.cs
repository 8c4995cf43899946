namespace OtoMask.Data;

/// <summary>The batches whose gradients one optimiser step averages, for as long as it needs them.</summary>
internal sealed class StepBatches : IDisposable
{
    private readonly List<MaskedBatch> batches;

    private StepBatches(int count) => batches = new(count);

    /// <summary>The batches.</summary>
    public IReadOnlyList<MaskedBatch> All => batches;

    /// <summary>Time that choosing their masks took on loader threads, in milliseconds.</summary>
    public double MaskMilliseconds => batches.Sum(batch => batch.MaskMilliseconds);

    /// <summary>Waits for the next batches.</summary>
    /// <param name="reader">Gives them.</param>
    /// <param name="count">How many.</param>
    public static StepBatches Take(BatchReader<MaskedBatch> reader, int count)
    {
        var taken = new StepBatches(count);
        try
        {
            while (taken.batches.Count < count)
                taken.batches.Add(reader.Next() ?? throw new InvalidOperationException("the data ended before the steps did"));
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => batches.ForEach(batch => batch.Dispose());
}
