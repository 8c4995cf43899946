using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;
using OtoMask.Randomness;

namespace OtoMask.Tests.Survival.Fuzzing;

/// <summary>Damaged copies of valid files, as a function of a number: flipped and overwritten bytes, pieces lost, repeated or from elsewhere, and
/// lies where formats keep their counts, offsets and depths.</summary>
internal static partial class Damage
{
    private const int MostChanges = 4, HeaderBytes = 256, LongestPiece = 512, MostRepeats = 64, DeepestNest = 20_000, Largest = 1 << 20;

    private static readonly long[] Interesting =
    [
        0, 1, -1, 2, 7, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 1 << 20, int.MaxValue, 1L << 31, uint.MaxValue, 1L << 32, 1L << 40, long.MaxValue, long.MinValue,
        0x7fc00000, 0x7f800000, 0xff800000, 0x7f7fffff, 0x7ff8000000000000, 0x7ff0000000000000, unchecked((long)0xfff0000000000000), 0x7fefffffffffffff, // NaN, the infinities and the largest numbers
    ];

    // Of every kind that JSON and YAML have, and some that they have not.
    private static readonly string[] Values =
    [
        "true", "null", "{}", "[]", "\"x\"", "\"\\ud800\"",
        "-1", "0", "2147483647", "2147483648", "4294967296", "9223372036854775807", "99999999999999999999999", "1e400", "-0.0", "NaN", "1/0",
        "-2147483648", "-9223372036854775808", "1e308", "5e-324", "Infinity", "-Infinity", ".nan", ".inf", "-.inf",
    ];

    private static readonly string[] Openings = ["[", "{", "(", "{\"a\":", "- ", "? ", "&a [", "\"", "]", "}", "0123456789", "\\ud800", "\\u0000"];

    /// <summary>Damages one of some files.</summary>
    /// <param name="seeds">Valid files.</param>
    /// <param name="number">Which of all the damages.</param>
    public static byte[] Of(IReadOnlyList<byte[]> seeds, long number)
    {
        var random = new RandomStream(1, RandomPurpose.Probe, 0, number);
        List<byte> file = [.. seeds[random.NextInt32(seeds.Count)]];
        for (int changes = 1 + random.NextInt32(MostChanges); changes > 0 && file.Count > 0; changes--)
            Change(file, seeds[random.NextInt32(seeds.Count)], ref random);
        return [.. file.Count > Largest ? file[..Largest] : file];
    }

    /// <summary>A file with one of its numbers that are text at one of its ends, or no number at all: all there are, or some that are spread over them.</summary>
    /// <param name="seed">A valid file.</param>
    /// <param name="most">How many at most.</param>
    public static IEnumerable<byte[]> EndsOf(byte[] seed, int most)
    {
        string text = Encoding.Latin1.GetString(seed);
        MatchCollection numbers = NumberInText().Matches(text);
        long all = (long)numbers.Count * Values.Length, count = Math.Min(all, most);
        for (long i = 0; i < count; i++)
        {
            int which = (int)(i * all / count);
            Match number = numbers[which / Values.Length];
            yield return Encoding.Latin1.GetBytes(string.Concat(text.AsSpan(0, number.Index), Values[which % Values.Length], text.AsSpan(number.Index + number.Length)));
        }
    }

    [GeneratedRegex(@"-?\d+(\.\d+)?([eE][-+]?\d+)?")]
    private static partial Regex NumberInText();

    private static void Change(List<byte> file, byte[] other, ref RandomStream random)
    {
        // Half of all changes fall where headers are.
        int at = random.NextInt32(random.NextInt32(2) == 0 ? Math.Min(file.Count, HeaderBytes) : file.Count);
        int length = Math.Min(1 + random.NextInt32(LongestPiece), file.Count - at);
        switch (random.NextInt32(10))
        {
            case 0:
                file[at] ^= (byte)(1 << random.NextInt32(8));
                break;
            case 1:
                file[at] = (byte)(random.NextInt32(2) == 0 ? random.NextInt32(256) : other[random.NextInt32(other.Length)]);
                break;
            case 2 or 3:
                WriteNumber(file, at, ref random);
                break;
            case 4:
                file.RemoveRange(at, random.NextInt32(2) == 0 ? length : file.Count - at);
                break;
            case 5:
                List<byte> piece = file.GetRange(at, length);
                for (int repeats = 1 + random.NextInt32(MostRepeats); repeats > 0; repeats--)
                    file.InsertRange(at, piece);
                break;
            case 6:
                int from = random.NextInt32(other.Length);
                file.InsertRange(at, other.Skip(from).Take(length));
                break;
            case 7:
                ReplaceDigits(file, at, Values[random.NextInt32(Values.Length)]);
                break;
            case 8:
                ReplaceValue(file, at, Values[random.NextInt32(Values.Length)]);
                break;
            default:
                byte[] opening = Encoding.ASCII.GetBytes(Openings[random.NextInt32(Openings.Length)]);
                int depth = 1 << random.NextInt32(int.Log2(DeepestNest) + 1);
                file.InsertRange(at, Enumerable.Repeat(opening, depth).SelectMany(bytes => bytes));
                break;
        }
    }

    private static void WriteNumber(List<byte> file, int at, ref RandomStream random)
    {
        var bytes = new byte[sizeof(long)];
        long value = random.NextInt32(4) == 0 ? file.Count + random.NextInt32(9) - 4 : Interesting[random.NextInt32(Interesting.Length)];
        int size = 1 << random.NextInt32(4);
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        if (random.NextInt32(2) == 0)
            Array.Reverse(bytes, 0, size);
        for (int i = 0; i < size && at + i < file.Count; i++)
            file[at + i] = bytes[i];
    }

    /// <summary>Puts a value in the place of the next digits of a text.</summary>
    private static void ReplaceDigits(List<byte> file, int from, string value)
    {
        int begin = file.FindIndex(from, c => char.IsAsciiDigit((char)c));
        if (begin >= 0)
            Replace(file, begin, file.FindIndex(begin, c => !char.IsAsciiDigit((char)c)), value);
    }

    /// <summary>Puts a value in the place of what follows the next colon of a text, up to a comma or a bracket or the line's end.</summary>
    private static void ReplaceValue(List<byte> file, int from, string value)
    {
        int begin = file.IndexOf((byte)':', from) + 1;
        if (begin > 0)
            Replace(file, begin, file.FindIndex(begin, c => ",}]\n".Contains((char)c)), value);
    }

    /// <summary>Puts a text in the place of some bytes.</summary>
    /// <param name="file">What is changed.</param>
    /// <param name="begin">The first of the bytes.</param>
    /// <param name="end">Past the last; negative for all up to the end.</param>
    /// <param name="text">Of ASCII.</param>
    private static void Replace(List<byte> file, int begin, int end, string text)
    {
        file.RemoveRange(begin, (end < 0 ? file.Count : end) - begin);
        file.InsertRange(begin, Encoding.ASCII.GetBytes(text));
    }
}
