using System.Buffers.Binary;
using Google.Protobuf;
using static Google.Protobuf.WireFormat;

namespace OtoMask.Interop;

/// <summary>
/// Writes scalars to a TensorBoard event file. Each session writes a file of its own, numbered after those already in
/// the folder; TensorBoard joins them.
/// </summary>
/// <remarks>
/// A record is its length, data, and masked CRC-32C of both (TFRecord); the data is an <c>Event</c> message.
/// Sources: tensorflow/core/util/event.proto, framework/summary.proto, lib/io/record_writer.h.
/// </remarks>
internal sealed class TensorBoardWriter : IDisposable
{
    // Field numbers of event.proto and summary.proto.
    private const int EventWallTime = 1, EventStep = 2, EventFileVersion = 3, EventSummary = 5, EventSessionLog = 7;
    private const int SummaryValue = 1, ValueTag = 1, ValueSimple = 2, SessionStatus = 1;
    private const int SessionStart = 1;

    private readonly FileStream stream;

    /// <summary>Starts a new event file.</summary>
    /// <param name="folder">Made if need be.</param>
    /// <param name="startedAt">When the session began; TensorBoard shows relative times from it.</param>
    /// <param name="firstStep">
    /// The first step that this session will log. A resumed run names it, and TensorBoard then forgets what an interrupted session
    /// logged at this step and later.
    /// </param>
    /// <exception cref="UserErrorException">The folder cannot be made or written.</exception>
    public TensorBoardWriter(string folder, DateTimeOffset startedAt, long firstStep = 0)
    {
        stream = CreateNextFile(folder);
        WriteEvent(startedAt, firstStep, EventFileVersion, "brain.Event:2"u8);
        if (firstStep > 0)
        {
            WriteEvent(startedAt, firstStep, EventSessionLog, Message(log =>
            {
                log.WriteTag(SessionStatus, WireType.Varint);
                log.WriteEnum(SessionStart);
            }));
        }
        Flush();
    }

    /// <summary>Adds one point to the curve of that name.</summary>
    /// <param name="tag">Name; slashes make groups, as in <c>train/loss</c>.</param>
    /// <param name="value">Stored as float32; NaN and infinities are shown as such.</param>
    /// <param name="step">Optimiser step, or whatever the curve is drawn over.</param>
    /// <param name="wallTime">When it was measured.</param>
    public void AddScalar(string tag, double value, long step, DateTimeOffset wallTime)
    {
        byte[] point = Message(output =>
        {
            output.WriteTag(ValueTag, WireType.LengthDelimited);
            output.WriteString(tag);
            output.WriteTag(ValueSimple, WireType.Fixed32);
            output.WriteFloat((float)value);
        });
        WriteEvent(wallTime, step, EventSummary, Message(summary => WriteField(summary, SummaryValue, point)));
    }

    /// <summary>Hands what was added to the operating system, so that TensorBoard sees it.</summary>
    public void Flush() => stream.Flush();

    /// <summary>Flushes and closes the file.</summary>
    public void Dispose() => stream.Dispose();

    private static FileStream CreateNextFile(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            // TensorBoard wants "tfevents" in the name and reads a folder's files in the order of their names.
            for (int session = 0; ; session++)
            {
                string path = Path.Combine(folder, $"events.out.tfevents.{session:D10}.otomask");
                if (!File.Exists(path))
                    return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
            }
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UserErrorException($"{folder}: no permission to write here; choose another folder or mend its permissions", e);
        }
    }

    private void WriteEvent(DateTimeOffset wallTime, long step, int kind, ReadOnlySpan<byte> content)
    {
        byte[] bytes = content.ToArray();
        WriteRecord(Message(output =>
        {
            output.WriteTag(EventWallTime, WireType.Fixed64);
            output.WriteDouble((wallTime - DateTimeOffset.UnixEpoch).TotalSeconds);
            output.WriteTag(EventStep, WireType.Varint);
            output.WriteInt64(step);
            WriteField(output, kind, bytes);
        }));
    }

    private void WriteRecord(ReadOnlySpan<byte> data)
    {
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)data.Length);
        stream.Write(length);
        WriteMaskedCrc(length);
        stream.Write(data);
        WriteMaskedCrc(data);
    }

    /// <summary>TFRecord rotates and shifts the CRC, because a CRC over data that holds CRCs is weak.</summary>
    private void WriteMaskedCrc(ReadOnlySpan<byte> data)
    {
        Span<byte> masked = stackalloc byte[sizeof(uint)];
        uint crc = Crc32.Castagnoli.Compute(data);
        BinaryPrimitives.WriteUInt32LittleEndian(masked, (crc >> 15 | crc << 17) + 0xa282ead8);
        stream.Write(masked);
    }

    private static byte[] Message(Action<CodedOutputStream> writeFields)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
            writeFields(output);
        return bytes.ToArray();
    }

    private static void WriteField(CodedOutputStream output, int field, byte[] content)
    {
        output.WriteTag(field, WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(content));
    }
}
