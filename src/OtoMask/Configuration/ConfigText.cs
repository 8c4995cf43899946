using System.Globalization;
using OtoMask.Models;

namespace OtoMask.Configuration;

/// <summary>Values of configurations as texts, both ways; what cannot be read is an error that names the key.</summary>
internal static class ConfigText
{
    public static string Name(Enum value) => value.ToString().ToLowerInvariant();

    public static string Name(bool value) => value ? "true" : "false";

    public static string? Text(Bf16By? by) => by is { } who ? Name(who) : null;

    public static string? Text<T>(T? value) where T : struct, IFormattable => value?.ToString(null, CultureInfo.InvariantCulture);

    public static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    public static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    public static int Whole(string key, string text) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
        ? value
        : throw new UserErrorException($"{key}: '{text}' is no whole number");

    public static ulong Seed(string text) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
        ? value
        : throw new UserErrorException($"seed: '{text}' is no whole number of 0 or more");

    public static double Number(string key, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value
            : throw new UserErrorException($"{key}: '{text}' is no number");

    public static BlockShape Shape(string key, string text)
    {
        string[] parts = text.Split('/');
        bool postNorm = parts[^1] == BlockShape.PostNormMark;
        int[] numbers = [.. parts.SkipLast(postNorm ? 1 : 0).Select(part => Whole(key, part))];
        return numbers is [int width, int depth, int heads]
            ? new BlockShape(width, depth, heads) { PostNorm = postNorm }
            : throw new UserErrorException($"{key}: '{text}' should be WIDTH/DEPTH/HEADS, for example 192/12/3");
    }

    public static bool YesOrNo(string key, string text) => OneOf(key, text, ("true", true), ("false", false));

    /// <summary>float32 or bfloat16.</summary>
    public static Precision Fixed(string key, string text) => OneOf(key, text, ("fp32", Precision.Fp32), ("bf16", Precision.Bf16));

    /// <summary>Who computes bfloat16 products.</summary>
    public static Bf16By Bf16By(string text) => OneOf("bf16-by", text, ("kernels", Models.Bf16By.Kernels), ("aten", Models.Bf16By.Aten));

    public static T OneOf<T>(string key, string text, params ReadOnlySpan<(string Name, T Value)> choices)
    {
        foreach ((string name, T value) in choices)
        {
            if (name == text)
                return value;
        }
        var names = new List<string>();
        foreach ((string name, _) in choices)
            names.Add(name);
        throw new UserErrorException($"{key}: '{text}' is unknown; choose {string.Join(" or ", names)}");
    }
}
