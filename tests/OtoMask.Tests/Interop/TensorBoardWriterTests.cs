using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using OtoMask.Interop;

namespace OtoMask.Tests.Interop;

public sealed class TensorBoardWriterTests : IDisposable
{
    private static readonly DateTimeOffset Start = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ScalarsAreReadBack()
    {
        using (var writer = new TensorBoardWriter(folder.Path, Start))
        {
            writer.AddScalar("train/loss", 1.5, step: 3, Start.AddSeconds(2.5));
            writer.AddScalar("lr", double.NaN, step: 300_000, Start.AddSeconds(4));
        }

        string file = Assert.Single(Directory.GetFiles(folder.Path));
        Assert.Equal("events.out.tfevents.0000000000.otomask", Path.GetFileName(file));
        Event[] events = [.. Records(file).Select(Parse)];
        Assert.Equal(
            [
                new Event(1_700_000_000, 0, "brain.Event:2", null, null, null),
                new Event(1_700_000_002.5, 3, null, "train/loss", 1.5f, null),
                new Event(1_700_000_004, 300_000, null, "lr", float.NaN, null),
            ],
            events);
    }

    [Fact]
    public void AResumedRunContinuesInASecondFile()
    {
        new TensorBoardWriter(folder.Path, Start).Dispose();
        new TensorBoardWriter(folder.Path, Start, firstStep: 40).Dispose();

        string second = Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal).Last();
        Assert.Equal("events.out.tfevents.0000000001.otomask", Path.GetFileName(second));
        Assert.Equal(
            [
                new Event(1_700_000_000, 40, "brain.Event:2", null, null, null),
                new Event(1_700_000_000, 40, null, null, null, SessionStatus: 1),
            ],
            Records(second).Select(Parse));
    }

    [Fact]
    public void CrcsAgreeWithTheirPublishedCheckValues()
    {
        Assert.Equal(0xCBF43926, Crc32.Ieee.Compute("123456789"u8));
        Assert.Equal(0xE3069283, Crc32.Castagnoli.Compute("123456789"u8));
        Assert.Equal(0x8A9136AA, Crc32.Castagnoli.Compute(new byte[32]));
    }

    private static IEnumerable<byte[]> Records(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        for (int position = 0; position < bytes.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(position));
            AssertMaskedCrc(bytes.AsSpan(position, 8), bytes.AsSpan(position + 8, 4));
            byte[] data = bytes.AsSpan(position + 12, length).ToArray();
            AssertMaskedCrc(data, bytes.AsSpan(position + 12 + length, 4));
            position += 16 + length;
            yield return data;
        }
    }

    private static void AssertMaskedCrc(ReadOnlySpan<byte> data, ReadOnlySpan<byte> stored)
    {
        uint unmasked = BinaryPrimitives.ReadUInt32LittleEndian(stored) - 0xa282ead8;
        Assert.Equal(Crc32.Castagnoli.Compute(data), unmasked << 15 | unmasked >> 17);
    }

    private static Event Parse(byte[] data)
    {
        Dictionary<int, byte[]> fields = Fields(data);
        Dictionary<int, byte[]>? value = fields.TryGetValue(5, out byte[]? summary) ? Fields(Fields(summary)[1]) : null;
        return new Event(
            BitConverter.ToDouble(fields[1]),
            BitConverter.ToInt64(fields[2]),
            fields.TryGetValue(3, out byte[]? version) ? Encoding.UTF8.GetString(version) : null,
            value is null ? null : Encoding.UTF8.GetString(value[1]),
            value is null ? null : BitConverter.ToSingle(value[2]),
            fields.TryGetValue(7, out byte[]? session) ? BitConverter.ToInt64(Fields(session)[1]) : null);
    }

    /// <summary>The fields of a protocol buffer message by number; numbers as little-endian bytes.</summary>
    private static Dictionary<int, byte[]> Fields(byte[] message)
    {
        var input = new CodedInputStream(message);
        var fields = new Dictionary<int, byte[]>();
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            fields.Add(WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.Varint => BitConverter.GetBytes(input.ReadInt64()),
                WireFormat.WireType.Fixed64 => BitConverter.GetBytes(input.ReadFixed64()),
                WireFormat.WireType.Fixed32 => BitConverter.GetBytes(input.ReadFixed32()),
                _ => input.ReadBytes().ToByteArray(),
            });
        }
        return fields;
    }

    private sealed record Event(double WallTime, long Step, string? FileVersion, string? Tag, float? Value, long? SessionStatus);
}
