using System.Text.RegularExpressions;

namespace OtoMask.Tests;

/// <summary>What code and documents cite of docs/ is there: sections by their numbers, files by their links.</summary>
public sealed partial class DocumentTests
{
    /// <summary>Where a citation may stand: what is written by hand here.</summary>
    private static readonly string[] CodeFolders = ["src", "tests", "samples", "tools", "bench", "native", "configs"];

    private static readonly string[] CodeEndings = [".cs", ".cpp", ".h", ".js", ".py", ".sh", ".yaml", ".csproj", ".txt", ""];

    [Fact]
    public void Every_section_that_code_cites_is_in_its_document()
    {
        Citation[] cited = [.. from file in Code() from citation in Citations(Text(file), file) select citation];
        Assert.True(cited.Length > 50, $"only {cited.Length} citations found: does the pattern still fit them?");
        Assert.All(cited, citation => Assert.Contains(citation.Section, Sections(citation.Document)));
    }

    [Fact]
    public void Code_cites_the_method_in_one_form()
    {
        string[] otherwise =
        [
            .. from file in Code()
               let rest = CitationForm().Replace(Text(file), "")
               from Match match in OtherForm().Matches(rest)
               select $"{Path.GetRelativePath(Repository.Root, file)}: \"{match.Value}\"; write docs/method.md section 2, sections 1 and 2, sections 1.5 to 1.6",
        ];
        Assert.Empty(otherwise);
    }

    [Fact]
    public void Every_section_that_a_document_names_is_there()
    {
        string[] missing =
        [
            .. from file in Documents()
               let own = Path.GetFileNameWithoutExtension(file)
               from Match match in NamedSection().Matches(Text(file))
               let document = match.Groups["document"] is { Success: true } other ? other.Value : own
               where document is "method" or "evaluation"
               from number in match.Groups["number"].Captures
               where !Sections(document).Contains(number.Value)
               select $"{own}: section {number.Value} of {document}",
        ];
        Assert.Empty(missing);
    }

    [Fact]
    public void Sections_are_numbered_without_repetition() =>
        Assert.All((string[])["method", "evaluation"], document => Assert.Equal(Headings(document).Distinct(), Headings(document)));

    [Fact]
    public void Links_between_documents_lead_somewhere()
    {
        string[] broken =
        [
            .. from file in Documents()
               from Match link in LocalLink().Matches(Text(file))
               where !Path.Exists(Path.Combine(Path.GetDirectoryName(file)!, link.Groups[1].Value))
               select $"{Path.GetRelativePath(Repository.Root, file)}: {link.Groups[1].Value}",
        ];
        Assert.Empty(broken);
    }

    [Fact]
    public void Files_that_the_method_names_are_there()
    {
        string[] missing =
        [
            .. from document in (string[])["method", "evaluation"]
               from Match name in NamedFile().Matches(Text(PathOf(document)))
               where !Path.Exists(Path.Combine(Repository.Root, name.Groups[1].Value)) && !Path.Exists(Path.Combine(Repository.Root, "src", name.Groups[1].Value))
                   && !Path.Exists(Path.Combine(Repository.Root, "src", "OtoMask", name.Groups[1].Value))
               select $"{document}: {name.Groups[1].Value}",
        ];
        Assert.Empty(missing);
    }

    /// <summary>Forms that must be refused, and found; this file is not read itself.</summary>
    [Theory]
    [InlineData("(METHOD section 2)")]
    [InlineData("(METHOD §9)")]
    [InlineData("METHOD-ADDITIONS section 10")]
    [InlineData("EVALUATION sections 1 and 3")]
    [InlineData("method.md section 2")]
    [InlineData("docs/method.md, section 2")]
    [InlineData("docs/evaluation.md section one")]
    public void Another_form_is_seen(string citation) => Assert.Matches(OtherForm(), CitationForm().Replace(citation, ""));

    [Theory]
    [InlineData("docs/method.md section 2.", "method 2")]
    [InlineData("docs/method.md sections 1 and 2", "method 1, method 2")]
    [InlineData("docs/evaluation.md sections 1.5 to 1.6:", "evaluation 1.5, evaluation 1.6")]
    public void The_one_form_is_read(string citation, string expected)
    {
        Assert.DoesNotMatch(OtherForm(), CitationForm().Replace(citation, ""));
        Assert.Equal(expected, string.Join(", ", Citations(citation, "").Select(cited => $"{cited.Document} {cited.Section}")));
    }

    private sealed record Citation(string File, string Document, string Section);

    private static IEnumerable<Citation> Citations(string text, string file) =>
        from Match match in CitationForm().Matches(text)
        from number in match.Groups["number"].Captures
        select new Citation(Path.GetFileName(file), match.Groups["document"].Value, number.Value);

    private static IEnumerable<string> Code() =>
        from folder in CodeFolders
        from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*", SearchOption.AllDirectories)
        where CodeEndings.Contains(Path.GetExtension(file)) && !BuildOutput().IsMatch(file) && Path.GetFileName(file) != "DocumentTests.cs"
        select file;

    private static IEnumerable<string> Documents() =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Repository.Root, "README.md"));

    private static string Text(string file) => File.ReadAllText(file);

    private static string PathOf(string document) => Path.Combine(Repository.Root, "docs", document + ".md");

    private static HashSet<string> Sections(string document) => [.. Headings(document)];

    private static IEnumerable<string> Headings(string document) => Heading().Matches(Text(PathOf(document))).Select(heading => heading.Groups[1].Value);

    [GeneratedRegex(@"docs/(?<document>method|evaluation)\.md sections? (?<number>\d+(\.\d+)?)( (and|to) (?<number>\d+(\.\d+)?))?(?![\d.]*\d)")]
    private static partial Regex CitationForm();

    [GeneratedRegex(@"\bMETHOD\b[^\n]{0,15}|\bEVALUATION\b[^\n]{0,15}|\b(method|evaluation)\.md[^\n]{0,15}")]
    private static partial Regex OtherForm();

    [GeneratedRegex(@"(\b(?<document>\w+)\.md\)? )?\bsections? (?<number>\d+(\.\d+)?)( (and|to) (?<number>\d+(\.\d+)?))?")]
    private static partial Regex NamedSection();

    [GeneratedRegex(@"^##+ (\d+(?:\.\d+)?)\.? ", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")]
    private static partial Regex LocalLink();

    [GeneratedRegex(@"`([A-Za-z][\w./-]*/[\w./-]*)`")]
    private static partial Regex NamedFile();

    [GeneratedRegex(@"/(bin|obj|Fixtures|Vendor|node_modules|build[^/]*)/")]
    private static partial Regex BuildOutput();
}
