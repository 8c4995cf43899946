using System.Buffers.Binary;

namespace OtoMask.Interop;

/// <summary>32-bit cyclic redundancy checks, eight bytes a step ("slicing-by-8", Kounavis and Berry 2005).</summary>
internal sealed class Crc32
{
    private const int Slices = 8;
    private readonly uint[] table = new uint[Slices * 256];

    private Crc32(uint reversedPolynomial)
    {
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ reversedPolynomial : crc >> 1;
            table[i] = crc;
        }
        for (int i = 256; i < table.Length; i++)
            table[i] = table[i - 256] >> 8 ^ table[table[i - 256] & 0xff];
    }

    /// <summary>The CRC-32 of zip, gzip and Ethernet.</summary>
    public static Crc32 Ieee { get; } = new(0xedb88320);

    /// <summary>CRC-32C, of TFRecord and iSCSI.</summary>
    public static Crc32 Castagnoli { get; } = new(0x82f63b78);

    /// <summary>The check of these bytes.</summary>
    public uint Compute(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<uint> t = table;
        uint crc = ~0u;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            uint low = crc ^ BinaryPrimitives.ReadUInt32LittleEndian(bytes);
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = t[0x700 + (byte)low] ^ t[0x600 + (byte)(low >> 8)] ^ t[0x500 + (byte)(low >> 16)] ^ t[0x400 + (byte)(low >> 24)]
                ^ t[0x300 + (byte)high] ^ t[0x200 + (byte)(high >> 8)] ^ t[0x100 + (byte)(high >> 16)] ^ t[(byte)(high >> 24)];
        }
        foreach (byte b in bytes)
            crc = crc >> 8 ^ t[(byte)(crc ^ b)];
        return ~crc;
    }
}
