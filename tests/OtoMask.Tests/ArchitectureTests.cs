using System.Text.RegularExpressions;
using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using OtoMask.App;
using OtoMask.Torch;

namespace OtoMask.Tests;

/// <summary>Who may know whom (docs/architecture.md), read from the compiled code: arrows go one way. What no compiler tells is read from the source.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string Root = Repository.Root;

    private static readonly Architecture House = new ArchLoader().LoadAssemblies(typeof(Tensor).Assembly, typeof(Encoder).Assembly, typeof(CommandLine).Assembly).Build();

    /// <summary>For each part of the library, the parts of the house it may know.</summary>
    private static readonly Dictionary<string, string[]> MayKnow = new()
    {
        ["Randomness"] = [],
        ["Interop"] = [],
        ["Geometry"] = [],
        ["Audio"] = [],
        ["Distributed"] = ["Torch"],
        ["Masking"] = ["Geometry", "Randomness"],
        ["Models"] = ["Geometry", "Randomness", "Torch"],
        ["Data"] = ["Audio", "Distributed", "Geometry", "Interop", "Masking", "Randomness"],
        ["Corpora"] = ["Audio", "Data", "Randomness"],
        ["Evaluation"] = ["Audio", "Data", "Geometry", "Models", "Randomness", "Torch"],
        ["Embeddings"] = ["Audio", "Data", "Evaluation", "Geometry", "Interop"],
        ["Configuration"] = ["Audio", "Data", "Distributed", "Geometry", "Masking", "Models", "Torch"],
        ["Runs"] = ["Configuration", "Data", "Interop", "Models", "Torch"],
        ["Weights"] = ["Audio", "Configuration", "Data", "Evaluation", "Geometry", "Interop", "Masking", "Models", "Runs", "Torch"],
        ["Pretraining"] = ["Audio", "Configuration", "Data", "Distributed", "Evaluation", "Geometry", "Masking", "Models", "Runs", "Torch", "Weights"],
        ["FineTuning"] = ["Audio", "Configuration", "Data", "Distributed", "Evaluation", "Geometry", "Interop", "Masking", "Models", "Pretraining", "Randomness", "Runs", "Torch", "Weights"],
        ["Export"] = ["Audio", "Data", "Evaluation", "FineTuning", "Geometry", "Interop", "Models", "Torch", "Weights"],
        ["Studies"] = ["Audio", "Configuration", "Data", "Evaluation", "FineTuning", "Geometry", "Masking", "Models", "Pretraining", "Randomness", "Runs", "Weights"],
    };

    [Fact]
    public void Inside_the_library_every_part_knows_only_what_it_may()
    {
        string library = Path.Combine(Root, "src", "OtoMask");
        Assert.Equal(MayKnow.Keys.Order(), Directory.GetDirectories(library).Select(Path.GetFileName).Where(name => name is not ("bin" or "obj")).Order());
        (string Type, string From, string To)[] arrows = [.. Arrows()];
        Assert.Empty(arrows.Where(arrow => MayKnow.ContainsKey(arrow.From) && arrow.To != arrow.From && !MayKnow[arrow.From].Contains(arrow.To)).Select(arrow => $"{arrow.Type} knows {arrow.To}"));
        // Leave that nobody takes is an arrow that nobody looked at.
        Assert.Empty(MayKnow.SelectMany(part => part.Value.Where(to => !arrows.Any(arrow => (arrow.From, arrow.To) == (part.Key, to))).Select(to => $"{part.Key} does not know {to}")));
    }

    [Fact]
    public void What_is_said_inside_a_lambda_counts()
    {
        string[] found = [.. Arrows().Where(arrow => arrow.To == nameof(Torch)).Select(arrow => arrow.Type)];
        Assert.Contains("OtoMask.Pretraining.TrainingStep", found);
    }

    [Fact]
    public void Projects_know_only_the_one_below()
    {
        Assert.Empty(ProjectReferences("OtoMask.Torch"));
        Assert.Equal(["OtoMask.Torch"], ProjectReferences("OtoMask"));
        Assert.Equal(["OtoMask"], ProjectReferences("OtoMask.App"));
        Assert.Empty(Arrows().Where(arrow => arrow.From == "Torch" || (arrow.To == "App" && arrow.From != "App")).Select(arrow => $"{arrow.Type} knows {arrow.To}"));
    }

    [Fact]
    public void Native_code_is_reached_from_the_binding_the_sound_libraries_and_what_asks_for_a_files_identity_or_place_alone()
    {
        Assert.All(Glue("LibraryImport|DllImport"), file => Assert.Contains(file, (string[])
        [
            "src/OtoMask.Torch/Interop/NativeMethods.cs", "src/OtoMask/Audio/Resampler.cs", "src/OtoMask/Audio/SndFile.cs", "src/OtoMask/Audio/Mpg123.cs",
            "src/OtoMask/Audio/SoundBytes.cs", "src/OtoMask/FileStatus.cs",
        ]));
        // The binding hands pointers to the bridge; nobody above it does.
        Assert.All(Glue(@"\bunsafe\b(?!-)|\bfixed\b"), file => Assert.True(
            file.StartsWith("src/OtoMask.Torch/") || file is "src/OtoMask/Audio/Resampler.cs" or "src/OtoMask/Audio/SndFile.cs", $"{file} is unsafe"));
    }

    [Fact]
    public void Namespaces_are_folders()
    {
        string[] wrong =
        [
            .. from file in Sources(Path.Combine(Root, "src"))
               let folder = Path.GetRelativePath(Path.Combine(Root, "src"), Path.GetDirectoryName(file)!).Replace('/', '.')
               where !Code(file).Contains($"namespace {folder};")
               select $"{Path.GetRelativePath(Root, file)} is not in namespace {folder}",
        ];
        Assert.Empty(wrong);
    }

    [Fact]
    public void Randomness_comes_from_streams_alone()
    {
        string[] wrong =
        [
            .. from file in Sources(Path.Combine(Root, "src"))
               where Path.GetFileName(file) != "Guard.cs" /* a secret must not be the same twice */ && Regex.IsMatch(Code(file), @"\bnew Random\(|Random\.Shared|RandomNumberGenerator")
               select Path.GetRelativePath(Root, file),
        ];
        Assert.Empty(wrong);
    }

    [Fact]
    public void Files_of_others_are_opened_in_one_way()
    {
        string[] mayOpen =
        [
            "src/OtoMask/InputFile.cs",
            "src/OtoMask/AtomicFile.cs", // what it writes itself
            "src/OtoMask/Audio/SoundBytes.cs", // sound, by the same rule
            "src/OtoMask/Audio/StreamFile.cs", // a new file
            "src/OtoMask/Data/CachePreparation.cs", // the cache it writes
            "src/OtoMask/Distributed/SharedFile.cs", // a copy it writes
            "src/OtoMask/Interop/TensorBoardWriter.cs", // a new file
            "src/OtoMask/FolderLock.cs", // a lock
            "src/OtoMask/Runs/LogWriter.cs", // the log it writes
            "src/OtoMask.Torch/KernelFile.cs", // of /proc and /sys
        ];
        const string Opening = @"(?<!\w)File\.(Read\w+|Open\w*)\(|new FileStream\(|FileStream\??\s+\w+\s*=\s*new\(|new StreamReader\((?!stream\))|FromFile\(|FileInfo[^;\n]*\.Open\w*\(|MemoryMappedFile";
        string[] opening =
        [
            .. from project in (string[])["OtoMask.App", "OtoMask", "OtoMask.Torch"]
               from file in Sources(Path.Combine(Root, "src", project))
               where Regex.IsMatch(Regex.Replace(Code(file), @"InputFile\.\w+", ""), Opening)
               select Path.GetRelativePath(Root, file),
        ];
        Assert.Empty(opening.Except(mayOpen));
        Assert.Empty(mayOpen.Except(opening)); // whoever opens nothing any more needs no leave
    }

    /// <summary>What strangers wrote (names of files, labels, notes of models) reaches a terminal through <c>Terminal</c>, which makes it harmless.</summary>
    [Fact]
    public void One_file_of_the_program_writes_to_the_screen()
    {
        Regex past = new(@"\bConsole\.(Write|Error|Open)|AnsiConsole\.(Write|Markup)|\.WriteLine\(|\bMarkup\.|\.(AddRow|AddColumns?)\(|AddTask\((?!""|Terminal\.AsText)|\.Status\((?!\)|Terminal\.AsText)");
        string[] wrong =
        [
            .. from file in Sources(Path.Combine(Root, "src", "OtoMask.App"))
               where Path.GetFileName(file) is not ("Terminal.cs" or "Program.cs") /* which refuses to start before anything else is loaded */ && past.IsMatch(Code(file))
               select $"{Path.GetRelativePath(Root, file)}: {past.Match(Code(file)).Value}",
            .. from file in Sources(Path.Combine(Root, "src", "OtoMask"))
               where Path.GetFileName(file) != "AtomicFile.cs" && Regex.IsMatch(Code(file), @"\bConsole\.") // which pours files into /dev/stdout
               select Path.GetRelativePath(Root, file),
        ];
        Assert.Empty(wrong);
        Assert.Matches(past, "Console.WriteLine(path); ");
        Assert.Matches(past, "context.AddTask(name)");
    }

    private static string[] Glue(string pattern) =>
        [.. Sources(Path.Combine(Root, "src")).Where(file => Regex.IsMatch(Code(file), pattern)).Select(file => Path.GetRelativePath(Root, file))];

    /// <summary>Which type, of which part of the house, knows which other part: OtoMask.Data.Crop and OtoMask.Data.Inner.Crop are of part Data, of OtoMask.Torch and OtoMask.App all is.</summary>
    private static IEnumerable<(string Type, string From, string To)> Arrows() =>
        from type in House.Types
        let part = PartOf(type)
        where part is not null
        from to in type.Dependencies.Select(dependency => PartOf(dependency.Target)).OfType<string>().Distinct()
        where to != part
        select (type.FullName, part, to);

    private static string? PartOf(IType type) => type is GenericParameter ? null : type.Namespace?.FullName.Split('.') is ["OtoMask", var part, ..] ? part : null;

    private static string[] ProjectReferences(string project) =>
        [.. ReferencedProject().Matches(File.ReadAllText(Path.Combine(Root, "src", project, $"{project}.csproj"))).Select(match => match.Groups[1].Value)];

    private static IEnumerable<string> Sources(string folder) => Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    /// <summary>The text of a file without its comments.</summary>
    private static string Code(string file) => Comment().Replace(File.ReadAllText(file), "");

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"<ProjectReference Include=""[^""]*/(OtoMask[^""/]*)\.csproj""")]
    private static partial Regex ReferencedProject();
}
