using OtoMask.Interop;

namespace OtoMask.Tests.Interop;

public class HostTensorTests
{
    [Theory]
    [InlineData("BOOL", new byte[] { 0, 1, 5 }, new[] { 0f, 1, 1 })]
    [InlineData("U8", new byte[] { 0, 200 }, new[] { 0f, 200 })]
    [InlineData("I8", new byte[] { 0, 200 }, new[] { 0f, -56 })]
    [InlineData("U16", new byte[] { 0xff, 0xff }, new[] { 65535f })]
    [InlineData("I16", new byte[] { 0xff, 0xff }, new[] { -1f })]
    [InlineData("F16", new byte[] { 0x00, 0xc0, 0x01, 0x00 }, new[] { -2f, 5.9604645e-8f })]
    [InlineData("BF16", new byte[] { 0x00, 0xc0, 0x80, 0x7f }, new[] { -2f, float.PositiveInfinity })]
    [InlineData("U32", new byte[] { 0xff, 0xff, 0xff, 0xff }, new[] { 4294967296f })]
    [InlineData("I32", new byte[] { 0xff, 0xff, 0xff, 0xff }, new[] { -1f })]
    [InlineData("F32", new byte[] { 0, 0, 0xc0, 0x3f }, new[] { 1.5f })]
    [InlineData("U64", new byte[] { 0, 0, 0, 0, 0, 0, 0, 0x80 }, new[] { 9223372036854775808f })]
    [InlineData("I64", new byte[] { 0, 0, 0, 0, 0, 0, 0, 0x80 }, new[] { -9223372036854775808f })]
    [InlineData("F64", new byte[] { 0, 0, 0, 0, 0, 0, 0xf8, 0x3f }, new[] { 1.5f })]
    public void EveryElementTypeBecomesFloats(string dtype, byte[] bytes, float[] expected)
    {
        var tensor = new HostTensor(dtype, [expected.Length], bytes);

        Assert.Equal(expected, tensor.ToFloats());
        Assert.Equal(expected.Length, tensor.Count);
    }

    [Fact]
    public void FloatsComeBackBitByBit()
    {
        float[] values = [1, -0f, float.NaN, float.Epsilon];
        Assert.Equal(
            values.Select(BitConverter.SingleToInt32Bits),
            HostTensor.FromFloats(values, 2, 2).ToFloats().Select(BitConverter.SingleToInt32Bits));
    }

    [Fact]
    public void BytesMustFitTheShape()
    {
        Assert.Throws<ArgumentException>(() => new HostTensor("F32", [3], new byte[8]));
        Assert.Throws<ArgumentException>(() => new HostTensor("F32", [-1], []));
        Assert.Throws<ArgumentException>(() => new HostTensor("F31", [2], new byte[8]));
    }
}
