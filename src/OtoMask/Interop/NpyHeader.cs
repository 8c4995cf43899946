using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace OtoMask.Interop;

/// <summary>What the head of a <c>.npy</c> file says (NumPy format, versions 1, 2 and 3).</summary>
/// <param name="Descr">The element type in NumPy's notation, for example <c>&lt;f4</c>.</param>
/// <param name="FortranOrder">True where the first axis varies fastest.</param>
/// <param name="Shape">Length of every axis, outermost first; empty for a scalar.</param>
/// <param name="DataOffset">Where the values begin, in bytes from the start of the file.</param>
internal sealed record NpyHeader(string Descr, bool FortranOrder, int[] Shape, long DataOffset)
{
    private const int LongestHeader = 1 << 16, MostAxes = 64; // as many as NumPy has

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Number of values: the product of the shape.</summary>
    public long Count => Shape.Aggregate(1L, (product, length) => product * length);

    /// <summary>Reads the head and leaves <paramref name="stream"/> at the first value.</summary>
    /// <exception cref="FormatException">It is not a <c>.npy</c> head, or one we cannot hold.</exception>
    internal static NpyHeader Read(Stream stream)
    {
        Span<byte> start = stackalloc byte[12];
        ReadFully(stream, start[..8]);
        if (!start.StartsWith(Magic))
            throw new FormatException("it does not begin as a .npy file does");
        int version = start[6];
        if (version is < 1 or > 3)
            throw new FormatException($"its format version {version} is unknown");
        int lengthBytes = version == 1 ? 2 : 4;
        ReadFully(stream, start.Slice(8, lengthBytes));
        uint length = version == 1
            ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..])
            : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (length > LongestHeader)
            throw new FormatException($"its header claims {length} bytes");
        byte[] text = new byte[length];
        ReadFully(stream, text);
        return new Parser(Encoding.UTF8.GetString(text)).Parse(8 + lengthBytes + length);
    }

    /// <summary>The head of a C-ordered file, version 1, padded so that the values begin at a multiple of 64 bytes, and not before <paramref name="atLeastBytes"/>.</summary>
    internal static byte[] Encode(string descr, ReadOnlySpan<int> shape, int atLeastBytes = 0)
    {
        StringBuilder text = new($"{{'descr': '{descr}', 'fortran_order': False, 'shape': (");
        foreach (int length in shape)
            text.Append(CultureInfo.InvariantCulture, $"{length}, ");
        if (shape.Length > 1)
            text.Length -= 2;
        else if (shape.Length == 1)
            text.Length -= 1;
        text.Append("), }");
        int unpadded = 10 + text.Length + 1, padded = Math.Max(unpadded, atLeastBytes);
        text.Append(' ', padded + (64 - padded % 64) % 64 - unpadded).Append('\n');
        byte[] head = new byte[10 + text.Length];
        Magic.CopyTo(head);
        head[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(8), (ushort)text.Length);
        Encoding.ASCII.GetBytes(text.ToString(), head.AsSpan(10));
        return head;
    }

    private static void ReadFully(Stream stream, Span<byte> bytes)
    {
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw new FormatException("it ends within its header");
    }

    /// <summary>Reads the one Python dict that a header may hold; nothing else of Python is understood.</summary>
    private sealed class Parser(string text)
    {
        private int position;

        public NpyHeader Parse(long dataOffset)
        {
            string? descr = null;
            bool? fortranOrder = null;
            int[]? shape = null;
            Expect('{');
            while (!Accept('}'))
            {
                string key = QuotedString();
                Expect(':');
                switch (key)
                {
                    case "descr" when descr is null: descr = QuotedString(); break;
                    case "fortran_order" when fortranOrder is null: fortranOrder = Boolean(); break;
                    case "shape" when shape is null: shape = Tuple(); break;
                    default: throw new FormatException($"its header holds an unexpected or repeated key '{key}'");
                }
                if (!Accept(','))
                {
                    Expect('}');
                    break;
                }
            }
            if (Peek() != '\0' || position != text.Length)
                throw Unexpected();
            if (descr is null || fortranOrder is null || shape is null)
                throw new FormatException("its header lacks descr, fortran_order or shape");
            return new NpyHeader(descr, fortranOrder.Value, shape, dataOffset);
        }

        private int[] Tuple()
        {
            List<int> lengths = [];
            long count = 1;
            Expect('(');
            while (!Accept(')'))
            {
                int length = WholeNumber();
                lengths.Add(length);
                // A zero-length axis must not hide an absurd one, so count as if it were 1.
                count *= Math.Max(1, length);
                if (count > Array.MaxLength)
                    throw new FormatException("its shape holds more values than one array can");
                if (lengths.Count > MostAxes)
                    throw new FormatException($"its shape has more than {MostAxes} axes");
                if (!Accept(','))
                {
                    Expect(')');
                    break;
                }
            }
            return [.. lengths];
        }

        private int WholeNumber()
        {
            Peek();
            int start = position;
            while (position < text.Length && char.IsAsciiDigit(text[position]))
                position++;
            return int.TryParse(text.AsSpan(start, position - start), NumberStyles.None, CultureInfo.InvariantCulture, out int value)
                ? value
                : throw Unexpected();
        }

        private bool Boolean()
        {
            Peek();
            foreach ((string word, bool value) in ((string, bool)[])[("True", true), ("False", false)])
            {
                if (text.AsSpan(position).StartsWith(word, StringComparison.Ordinal))
                {
                    position += word.Length;
                    return value;
                }
            }
            throw Unexpected();
        }

        private string QuotedString()
        {
            char quote = Peek();
            if (quote is not ('\'' or '"'))
                throw Unexpected();
            int end = text.IndexOf(quote, position + 1);
            if (end < 0)
                throw Unexpected();
            string value = text[(position + 1)..end];
            position = end + 1;
            return value;
        }

        private bool Accept(char wanted)
        {
            if (Peek() != wanted)
                return false;
            position++;
            return true;
        }

        private void Expect(char wanted)
        {
            if (!Accept(wanted))
                throw Unexpected();
        }

        /// <summary>The next character that is not white space; '\0' at the end.</summary>
        private char Peek()
        {
            while (position < text.Length && text[position] is ' ' or '\n' or '\t' or '\r')
                position++;
            return position < text.Length ? text[position] : '\0';
        }

        private FormatException Unexpected() => new($"its header cannot be read at character {position}");
    }
}
