namespace OtoMask.Tests;

/// <summary>Finds the golden arrays: in the folder that OTOMASK_FIXTURES names, else in the copies beside the tests.</summary>
internal static class Fixture
{
    private static readonly string Folder =
        Environment.GetEnvironmentVariable("OTOMASK_FIXTURES") is { Length: > 0 } folder
            ? folder
            : System.IO.Path.Combine(AppContext.BaseDirectory, "Fixtures");

    /// <summary>The path of one fixture file, for example <c>frontend_wave0.npy</c>.</summary>
    public static string Path(string fileName) => Existing(System.IO.Path.Combine(Folder, fileName), fileName);

    /// <summary>The path of one file of a part of the fixtures, which has a folder of its own; OTOMASK_FIXTURES may name that folder.</summary>
    public static string InFolder(string folder, string fileName) =>
        File.Exists(System.IO.Path.Combine(Folder, folder, fileName)) ? System.IO.Path.Combine(Folder, folder, fileName) : Path(fileName);

    /// <summary>Values differ from those expected by no more than a share of the largest of these, or a number where they are not compared relatively.</summary>
    public static void AssertAgrees(string name, float[] expected, float[] actual, double tolerance, bool relative = true)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = relative ? expected.Max(MathF.Abs) : 1, difference = expected.Zip(actual, (a, b) => Math.Abs((double)a - b)).Max();
        Assert.True(difference <= tolerance * largest, $"{name}: {difference:G3} > {tolerance} x {largest:G3}");
    }

    private static string Existing(string path, string fileName) => File.Exists(path) || Directory.Exists(path)
        ? path
        : throw new FileNotFoundException($"no fixture {fileName} in {Folder}; set OTOMASK_FIXTURES to a folder that holds it", path);
}
