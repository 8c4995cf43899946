namespace OtoMask.Masking;

/// <summary>How much of the hint ratio a strategy goes by, least first. docs/method.md section 2.</summary>
public enum HintUse
{
    /// <summary>Nothing: the strategy masks in the same way from the first step on.</summary>
    None,

    /// <summary>A ratio of 1 makes it <c>random</c>, a lesser one changes nothing: it begins when the hint schedule does.</summary>
    WarmUp,

    /// <summary>All: a ratio of 1 makes it <c>random</c>, and a lesser one trades that share of the masked patches for random ones.</summary>
    Trade,
}
