using System.Collections.Immutable;
using System.Globalization;

namespace OtoMask.Models;

/// <summary>Some blocks of a target network, by number from 1, ascending: what they give out is averaged to be predicted.</summary>
/// <remarks>Baevski et al., data2vec, arXiv 2202.03555; of M2D (arXiv 2404.06095) an option, of EAT (arXiv 2401.03497) the rule.</remarks>
public sealed class TargetLayers
{
    private const int Most = 1000; // no encoder is deeper
    private readonly ImmutableArray<int> numbers;

    private TargetLayers(IEnumerable<int> numbers) => this.numbers = [.. numbers.Order()];

    /// <summary>How many they are, at least 1.</summary>
    public int Count => numbers.Length;

    /// <summary>The last of them.</summary>
    public int Last => numbers[^1];

    /// <summary>Every block.</summary>
    /// <param name="depth">Blocks there are, at least 1.</param>
    public static TargetLayers All(int depth) => new(Enumerable.Range(1, depth));

    /// <summary>Reads what <see cref="ToString"/> writes, in any order.</summary>
    /// <param name="text">Numbers from 1, separated by commas: <c>9,10,11,12</c>.</param>
    /// <exception cref="UserErrorException">It is none.</exception>
    public static TargetLayers Parse(string text)
    {
        var numbers = new SortedSet<int>();
        foreach (string part in text.Split(','))
        {
            if (!int.TryParse(part.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number is < 1 or > Most || !numbers.Add(number))
                throw new UserErrorException($"target-layers {text}: give numbers of blocks from 1, each once, for example 9,10,11,12");
        }
        return new TargetLayers(numbers);
    }

    /// <summary>Whether a block is among them.</summary>
    /// <param name="number">From 1.</param>
    public bool Contains(int number) => numbers.BinarySearch(number) >= 0;

    /// <summary>The numbers, separated by commas.</summary>
    public override string ToString() => string.Join(',', numbers);
}
