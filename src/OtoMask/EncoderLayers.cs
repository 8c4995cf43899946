namespace OtoMask;

/// <summary>Which layers of an encoder make an embedding (docs/method.md section 7).</summary>
public enum EncoderLayers
{
    /// <summary>The last one, after the final layer normalisation.</summary>
    Last,

    /// <summary>Every one, side by side, the first layer first: what each block gives out, only the last one normalised.</summary>
    All,
}
