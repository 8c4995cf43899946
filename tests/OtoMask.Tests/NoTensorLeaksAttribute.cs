using System.Reflection;
using OtoMask.Torch;
using Xunit.Sdk;

namespace OtoMask.Tests;

/// <summary>
/// Fails a test that leaves native tensors alive. The count is the process's, so every class that touches tensors also
/// joins the collection <see cref="Collection"/>, whose tests run one at a time.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class NoTensorLeaksAttribute : BeforeAfterTestAttribute
{
    public const string Collection = "tensors";

    private long before;

    public override void Before(MethodInfo methodUnderTest) => before = TensorScope.LiveTensors;

    public override void After(MethodInfo methodUnderTest)
    {
        long leaked = TensorScope.LiveTensors - before;
        Assert.True(leaked == 0, $"{methodUnderTest.Name} left {leaked} native tensors alive");
    }
}
