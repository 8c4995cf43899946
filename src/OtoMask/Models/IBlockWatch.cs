using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>Is told of every transformer block that a forward pass goes through.</summary>
internal interface IBlockWatch
{
    /// <summary>A block is about to compute.</summary>
    /// <param name="weights">Its weight matrices, which lie side by side in the flat buffer.</param>
    /// <param name="input">What it is given, [B, N, D]: when the backward pass has come here, the gradients of the weights are complete.</param>
    void Entering(IReadOnlyList<Parameter> weights, Tensor input);
}
