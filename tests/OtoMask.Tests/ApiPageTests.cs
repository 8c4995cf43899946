using System.Reflection;
using OtoMask.ApiPage;
using OtoMask.Audio;
using OtoMask.Torch;

namespace OtoMask.Tests;

/// <summary>docs/api.md is what the source says, of all that the two packages show.</summary>
public class ApiPageTests
{
    private static readonly Type[] Public = [.. ((Type[])[typeof(Encoder), typeof(Tensor)]).SelectMany(type => type.Assembly.GetExportedTypes())];

    [Fact]
    public void ThePageIsUpToDate() => Assert.True(
        File.ReadAllText(Path.Combine(Repository.Root, "docs", "api.md")) == Page.Render(),
        "docs/api.md is behind the source: dotnet run --project tools/ApiPage -c Release -- docs/api.md");

    [Fact]
    public void Every_public_type_is_under_one_topic() =>
        Assert.Equal(Public.Select(type => type.FullName).Order(StringComparer.Ordinal), Page.Parts.SelectMany(part => part.Types).Select(type => type.FullName).Order(StringComparer.Ordinal));

    /// <summary>The compiler asks for the documentation of all else; not of what a record declares in its head, nor for more of a constructor than its parameters.</summary>
    [Fact]
    public void Every_value_of_a_record_and_every_constructor_is_documented()
    {
        var docs = new XmlDocs(typeof(Encoder).Assembly, typeof(Tensor).Assembly);
        PropertyInfo[] values = [.. Public.SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))];
        Assert.Contains(values, value => value.Name == nameof(LogMel.Bands));
        Assert.Equal([], values.Where(value => !docs.IsKnown(value)).Select(value => $"{value.DeclaringType!.Name}.{value.Name}"));
        ConstructorInfo[] constructors = [.. Public.SelectMany(type => type.GetConstructors()).Where(constructor => constructor.GetParameters().Any(parameter => parameter.ParameterType != constructor.DeclaringType) && !constructor.DeclaringType!.IsSubclassOf(typeof(Delegate)))];
        Assert.Equal([], constructors.Where(constructor => !docs.Has(constructor)).Select(constructor => $"{constructor.DeclaringType}"));
    }

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

    [Fact]
    public void ThePageShowsConstructorsOperatorsAndGenericMethods()
    {
        string page = Page.Render();
        Assert.Contains("#### `new TaskClips(LabelledTask task, LogMelSettings logMel, int unitSamples, ", page);
        Assert.Contains("#### `static Tensor operator *(Tensor left, double right)`", page);
        Assert.Contains("#### `void Shuffle<T>(Span<T> items)`", page);
        Assert.Contains("`delegate void Initialiser(Span<float> values, int position)`", page);
    }
}
