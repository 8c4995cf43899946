using OtoMask.ApiPage;

namespace OtoMask.Tests;

/// <summary>docs/api.md is what the source says.</summary>
public class ApiPageTests
{
    [Fact]
    public void ThePageIsUpToDate() => Assert.True(
        File.ReadAllText(Path.Combine(Repository.Root, "docs", "api.md")) == Page.Render(),
        "docs/api.md is behind the source: dotnet run --project tools/ApiPage -c Release -- docs/api.md");

    [Fact]
    public void ThePageShowsTheFacadeWhole()
    {
        string page = Page.Render();
        Assert.Contains("#### `static Encoder Load(string path, string device = \"cpu\", GeometryHints? hints = null)`", page);
        Assert.Contains("#### `float[,] Encode(ReadOnlySpan<float> samples, int sampleRate, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default)`", page);
        Assert.Contains("using var encoder = Encoder.Load(\"run\");", page);
        Assert.Contains("| `int Width` |", page);
        Assert.Contains("throws `ObjectDisposedException`", page);
    }
}
