using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace OtoMask.ApiPage;

/// <summary>The XML documentation of assemblies, as Markdown.</summary>
/// <param name="assemblies">Their documentation lies beside them.</param>
internal sealed partial class XmlDocs(params IEnumerable<Assembly> assemblies)
{
    private readonly Dictionary<string, XElement> members = assemblies
        .SelectMany(assembly => XDocument.Load(Path.ChangeExtension(assembly.Location, ".xml"), LoadOptions.PreserveWhitespace).Descendants("member"))
        .ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>Whether the source documents a member, by itself or by a parameter of its record.</summary>
    public bool Has(MemberInfo member) => members.ContainsKey(Signature.Id(member)) && Find(member, "summary") is not null;

    /// <summary>Whether the source says something about a member, if only that it is documented elsewhere.</summary>
    public bool IsKnown(MemberInfo member) => members.ContainsKey(Signature.Id(member));

    /// <summary>The summary.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public string Text(MemberInfo member) => Markdown(Find(member, "summary") ?? throw new InvalidOperationException($"{Signature.Id(member)} has no summary"));

    /// <summary>The remarks.</summary>
    public IEnumerable<string> Remarks(MemberInfo member) => Elements(member, "remarks").Select(Markdown);

    /// <summary>The example's code.</summary>
    public string? Example(MemberInfo member) => Find(member, "example")?.Element("code") is { } code
        ? string.Join('\n', code.Value.Trim('\n').Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0))
        : null;

    /// <summary>Parameters, result and errors, a line each.</summary>
    public IEnumerable<string> Details(MethodBase method)
    {
        foreach (XElement parameter in Elements(method, "param"))
            yield return $"`{parameter.Attribute("name")!.Value}`: {Markdown(parameter)}";
        foreach (XElement result in Elements(method, "returns"))
            yield return $"returns {Markdown(result)}";
        foreach (XElement error in Elements(method, "exception"))
            yield return $"throws `{ShortName(error.Attribute("cref")!.Value)}`: {Markdown(error)}";
    }

    private XElement? Find(MemberInfo member, string name) => Elements(member, name).FirstOrDefault();

    private IEnumerable<XElement> Elements(MemberInfo member, string name) => Elements(members[Signature.Id(member)], name);

    /// <summary>Elements of a name, its own or those of the member that an <c>inheritdoc</c> refers to.</summary>
    private IEnumerable<XElement> Elements(XElement member, string name)
    {
        foreach (XElement own in member.Elements(name))
            yield return own;
        foreach (XElement inherit in member.Elements("inheritdoc"))
        {
            if (inherit.Attribute("cref") is not { } from || (inherit.Attribute("path") is { } path && !path.Value.Split('|').Contains($"/{name}")))
                continue;
            foreach (XElement inherited in Elements(members[from.Value], name).Where(inherited => !Overrides(member, inherited)))
                yield return inherited;
        }
    }

    private static bool Overrides(XElement member, XElement inherited) => inherited.Name == "param"
        ? member.Elements("param").Any(own => own.Attribute("name")!.Value == inherited.Attribute("name")!.Value)
        : inherited.Name != "exception" && member.Elements(inherited.Name).Any();

    private static string Markdown(XElement element) => Blanks().Replace(string.Concat(element.Nodes().Select(Markdown)), " ").Trim();

    private static string Markdown(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" or "seealso" } see => $"`{ShortName(see.Attribute("cref")!.Value)}`",
        XElement { Name.LocalName: "paramref" } parameter => $"`{parameter.Attribute("name")!.Value}`",
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "inheritdoc" } => "",
        XElement other => Markdown(other),
        _ => "",
    };

    /// <summary><c>P:OtoMask.Encoder.Width</c> as <c>Width</c>, <c>T:OtoMask.Encoder</c> as <c>Encoder</c>, an enum's value with its type.</summary>
    private static string ShortName(string cref)
    {
        string name = cref[2..].Split('(')[0];
        string[] parts = name.Split('.');
        return cref[0] == 'F' ? $"{parts[^2]}.{parts[^1]}" : parts[^1];
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
