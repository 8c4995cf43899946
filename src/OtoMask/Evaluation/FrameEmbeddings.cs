namespace OtoMask.Evaluation;

/// <summary>What an encoder makes of a clip: one vector per time step of pw frames.</summary>
/// <param name="Frames">T', time steps.</param>
/// <param name="Width">Nf * D, the tokens of all frequency patches of a time step side by side, lowest first; times the layers, the first one first, where
/// all were asked for.</param>
/// <param name="Values">[T', Width].</param>
public sealed record FrameEmbeddings(int Frames, int Width, float[] Values)
{
    /// <summary>The mean over time, Width numbers.</summary>
    public void MeanOverTime(Span<float> embedding)
    {
        var mean = new TimeMean(Width);
        mean.Add(this);
        mean.CopyTo(embedding);
    }

    /// <summary>Puts a layer's vectors of some time steps in their places.</summary>
    internal void Fill(ReadOnlySpan<float> steps, int layerWidth, int firstFrame, int layer)
    {
        for (int step = 0; step < steps.Length / layerWidth; step++)
            steps.Slice(step * layerWidth, layerWidth).CopyTo(Values.AsSpan((firstFrame + step) * Width + layer * layerWidth));
    }
}

/// <summary>The mean over time of a clip that comes in pieces: the clip's embedding (docs/method.md section 7).</summary>
/// <param name="width">Numbers of a frame's vector.</param>
internal sealed class TimeMean(int width)
{
    private readonly double[] sum = new double[width];
    private long frames;

    /// <summary>Takes in the next frames.</summary>
    public void Add(FrameEmbeddings piece)
    {
        for (int frame = 0; frame < piece.Frames; frame++)
        {
            ReadOnlySpan<float> row = piece.Values.AsSpan(frame * width, width);
            for (int i = 0; i < row.Length; i++)
                sum[i] += row[i];
        }
        frames += piece.Frames;
    }

    /// <summary>Writes the mean of all frames so far.</summary>
    public void CopyTo(Span<float> mean)
    {
        for (int i = 0; i < sum.Length; i++)
            mean[i] = (float)(sum[i] / frames);
    }
}
