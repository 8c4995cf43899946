using System.Runtime.InteropServices;
using System.Text;

namespace OtoMask.Tests.Masking;

/// <summary>Reads a float32 .npy fixture.</summary>
internal static class FixtureArray
{
    public static float[] Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerLength = BitConverter.ToUInt16(file, 8); // version 1: magic 6, version 2, length 2, header
        Assert.Contains("'<f4'", Encoding.ASCII.GetString(file, 10, headerLength));
        return MemoryMarshal.Cast<byte, float>(file.AsSpan(10 + headerLength)).ToArray();
    }
}
