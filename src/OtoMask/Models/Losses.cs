using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>What a step makes smaller, and what that is made of where it has parts.</summary>
/// <param name="Total">The loss, a tensor of no dimension; gradients flow from here.</param>
/// <param name="Parts">Losses that the log tells besides, by name (<c>[a-z_]+</c>), of no dimension; none where the total says it all.</param>
public sealed record Losses(Tensor Total, params IReadOnlyList<(string Name, Tensor Value)> Parts)
{
    /// <summary>A loss without parts.</summary>
    public static implicit operator Losses(Tensor total) => new(total);
}
