using System.Buffers;
using System.Text;
using System.Text.Json;

namespace OtoMask.Interop;

/// <summary>The JSON header of a safetensors file: composed for writing, and parsed with every claim checked.</summary>
internal sealed record SafetensorsHeader(
    IReadOnlyList<SafetensorsHeader.Place> Tensors, IReadOnlyDictionary<string, string> Metadata, string? Digest)
{
    /// <summary>The longest header that is read: a thousand tensors take about 100 kB. The format allows 100 MB, which as JSON
    /// would take gigabytes.</summary>
    public const int MaxBytes = 1 << 23;

    /// <summary>The metadata key of the checksum.</summary>
    public const string DigestKey = "otomask.sha256";

    private const string MetadataKey = "__metadata__";
    private const int Alignment = 8;
    private static readonly string BlankDigest = new('0', 64);

    /// <summary>Where one tensor lies; places are listed in the order of the data and touch each other.</summary>
    public readonly record struct Place(string Name, string DType, long[] Shape, int Bytes);

    /// <summary>The header's bytes, padded with spaces so that the data is aligned, to at least <paramref name="atLeastBytes"/>; the digest is blank.</summary>
    public static byte[] Compose(IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string> metadata, int atLeastBytes = 0)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject(MetadataKey);
            json.WriteString(DigestKey, BlankDigest);
            foreach ((string key, string value) in metadata)
                json.WriteString(key, value);
            json.WriteEndObject();

            long begin = 0;
            foreach (SafetensorsEntry entry in entries)
            {
                long end = checked(begin + HostTensor.ByteCount(entry.DType, entry.Shape));
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.DType);
                WriteNumbers(json, "shape", entry.Shape);
                WriteNumbers(json, "data_offsets", begin, end);
                json.WriteEndObject();
                begin = end;
            }
            json.WriteEndObject();
        }
        int padded = Math.Max(buffer.WrittenCount, atLeastBytes);
        padded += -padded & (Alignment - 1);
        return [.. buffer.WrittenSpan, .. Enumerable.Repeat((byte)' ', padded - buffer.WrittenCount)];
    }

    /// <summary>Puts the digest in the place that <see cref="Compose"/> left blank.</summary>
    public static void PutDigest(byte[] header, ReadOnlySpan<byte> digest)
    {
        int start = header.AsSpan().IndexOf(Encoding.ASCII.GetBytes(BlankDigest));
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(digest), header.AsSpan(start));
    }

    /// <summary>A copy of the header as it was when the digest was taken.</summary>
    public static byte[] WithoutDigest(byte[] header, string digest)
    {
        byte[] blank = [.. header];
        int start = blank.AsSpan().IndexOf(Encoding.UTF8.GetBytes(digest));
        if (start >= 0)
            blank.AsSpan(start, digest.Length).Fill((byte)'0');
        return blank;
    }

    /// <summary>Parses a header and checks it against the number of bytes that follow it.</summary>
    /// <exception cref="InvalidDataException">Not JSON, not of the format, or claiming bytes that are not there.</exception>
    public static SafetensorsHeader Parse(byte[] header, long dataBytes)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(header, new JsonDocumentOptions { AllowDuplicateProperties = false });
            Dictionary<string, string> metadata = [];
            List<(Place Place, long Begin)> tensors = [];
            foreach (JsonProperty property in json.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataKey)
                    metadata = property.Value.EnumerateObject().ToDictionary(pair => pair.Name, pair => pair.Value.GetString() ?? "");
                else
                    tensors.Add(ParsePlace(property, dataBytes));
            }
            metadata.Remove(DigestKey, out string? digest);
            return new SafetensorsHeader(InOrderOfData(tensors, dataBytes), metadata, digest);
        }
        // JsonElement has an exception for each: an unexpected kind of value, a missing key, a number out of range.
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            throw new InvalidDataException($"its header is not understood ({e.Message})", e);
        }
    }

    private static (Place Place, long Begin) ParsePlace(JsonProperty property, long dataBytes)
    {
        string dtype = property.Value.GetProperty("dtype").GetString() ?? "";
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long[] offsets = [.. property.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        long bytes = HostTensor.ByteCount(dtype, shape);

        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] > dataBytes || offsets[1] - offsets[0] != bytes)
        {
            string claim = string.Join(", ", offsets);
            throw new InvalidDataException($"tensor '{property.Name}' of {bytes} bytes claims the place [{claim}) among {dataBytes}");
        }
        if (bytes > Array.MaxLength)
            throw new InvalidDataException($"tensor '{property.Name}' is larger than 2 GB, which is not supported");
        return (new Place(property.Name, dtype, shape, (int)bytes), offsets[0]);
    }

    /// <summary>Sorts the places by offset; the format allows neither gaps nor overlaps.</summary>
    private static Place[] InOrderOfData(List<(Place Place, long Begin)> tensors, long dataBytes)
    {
        tensors.Sort((a, b) => (a.Begin, a.Place.Bytes).CompareTo((b.Begin, b.Place.Bytes)));
        long end = 0;
        foreach ((Place place, long begin) in tensors)
        {
            if (begin != end)
                throw new InvalidDataException($"tensor '{place.Name}' begins at {begin}, not where the one before it ends ({end})");
            end += place.Bytes;
        }
        return end == dataBytes
            ? [.. tensors.Select(tensor => tensor.Place)]
            : throw new InvalidDataException($"its tensors take {end} bytes, but {dataBytes} follow the header");
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, params ReadOnlySpan<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
            json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}
