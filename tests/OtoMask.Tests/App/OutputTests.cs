using System.CommandLine;
using System.Diagnostics;
using System.Text.RegularExpressions;
using OtoMask.App;
using OtoMask.Audio;
using OtoMask.Interop;
using OtoMask.Tests.Commands;
using OtoMask.Tests.Corpora.Imports;

namespace OtoMask.Tests.App;

/// <summary>What every option that names something to write must hold: it destroys nothing that is read, and a place that cannot be written is found before the work.</summary>
[Collection(NoTensorLeaksAttribute.Collection)] // makes models
public sealed partial class OutputTests : IDisposable
{
    /// <summary>A command line for each such option, {0} for what is written; then the inputs that it may not be.</summary>
    private static readonly Dictionary<string, (string CommandLine, string[] Inputs)> Files = new()
    {
        ["logmel --out"] = ("logmel audio/a.wav --out {0}", ["audio/a.wav"]),
        ["masks --out"] = ("masks audio/a.wav audio/b.wav --out {0}", ["audio/a.wav", "audio/b.wav"]),
        ["predict --out"] = ("predict run audio --out {0}", ["audio/b.wav", "run/checkpoints/step-000000000.safetensors", "run/config.yaml"]),
        ["probe --out"] = ("probe run --task task.csv --out {0}", ["task.csv", "audio/a.wav", "run/log.jsonl", "run/metrics.json"]),
        ["embed --out"] = ("embed run list.csv --out {0}", ["list.csv", "audio/c.npy", "run/checkpoints/step-000000000.safetensors"]),
        ["export --out"] = ("export run --format safetensors --out {0}", ["run/checkpoints/step-000000000.safetensors", "run/report.html"]),
        ["compare --out"] = ("compare run --probe probe.json --out {0}", ["probe.json", "run/log.jsonl", "run/config.yaml"]),
        ["data import --out"] = ("data import esc50 esc50 --out {0}", ["esc50/meta/esc50.csv", "esc50/audio/1-1-A-0.wav"]),
        ["study --markdown"] = ("study study.yaml --out new-study --markdown {0}", ["study.yaml", "task.csv", "audio/a.wav", "pool/a.wav"]),
        ["study --latex"] = ("study study.yaml --out new-study --latex {0}", ["study.yaml", "task.csv", "audio/a.wav", "pool/a.wav"]),
    };

    private static readonly Dictionary<string, string> Folders = new()
    {
        ["pretrain --out"] = "pretrain --data audio --encoder 16/1/2 --decoder 16/1/2 --input 80x96 --epochs 1 --out {0}",
        ["finetune --out"] = "finetune run --task task.csv --out {0}",
        ["import --out"] = "import run --out {0}",
        ["prepare --out"] = "prepare audio --out {0}",
        ["study --out"] = "study study.yaml --out {0}",
    };

    private static readonly string[] NamesOfInputs = ["--config", "--resume", "--probe", "--task", "--split", "--data-dir", "--data", "--from", "--noise", "--valid", "--cache"];

    private readonly AppFolder folder = new();
    private readonly DataSetCopy copy = DataSetCopy.Of("esc50");

    public OutputTests()
    {
        foreach (string name in (string[])["audio/a.wav", "audio/b.wav", "pool/a.wav"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.Inside(name))!);
            AudioFile.WriteWav(folder.Inside(name), AppFolder.Sound(name[^5], 0.5), AppFolder.Rate);
        }
        NpyFile.Write(folder.Inside("audio/c.npy"), new float[80 * 50], 80, 50);
        folder.Text("task.csv", "file_name,label,split\naudio/a.wav,x,train\naudio/b.wav,y,test\n");
        folder.Text("list.csv", "file_name\naudio/a.wav\naudio/c.npy\n");
        folder.Text("probe.json", "{}");
        folder.Text("study.yaml", "data: pool\ntasks: [{csv: task.csv, family: events}]\nseeds: [1]\nframeworks: {msm-mae: {}}\narms: {random: {mask: random}}\npretraining: {encoder: 16/1/2, decoder: 16/1/2, input: 80x96, steps: 1}\n");
        Directory.CreateDirectory(folder.Inside("run/checkpoints"));
        UntrainedCheckpoint.Write(folder.Inside("run/checkpoints/step-000000000.safetensors"));
        foreach (string name in (string[])["config.yaml", "log.jsonl", "metrics.json", "report.html"])
            folder.Text($"run/{name}", "");
        Directory.Move(copy.Folder, folder.Inside("esc50"));
        Directory.CreateDirectory(copy.Folder); // for its end
    }

    public void Dispose()
    {
        copy.Dispose();
        folder.Dispose();
    }

    public static TheoryData<string> FileOptions => [.. Files.Keys];

    public static TheoryData<string> FolderOptions => [.. Folders.Keys];

    /// <summary>Who adds an option that writes, adds it here, too.</summary>
    [Fact]
    public void Every_option_that_names_a_file_or_a_folder_is_looked_at()
    {
        string[] named = [.. Options(CommandLine.Create(), "").Where(option => NamesAPlace(option.Option) && !NamesOfInputs.Contains(option.Option.Name)).Select(option => option.Name)];
        Assert.Equal(Files.Keys.Concat(Folders.Keys).Order(), named.Order());
    }

    [Theory]
    [MemberData(nameof(FileOptions))]
    public void No_output_is_an_input_whatever_it_is_called(string option)
    {
        (string commandLine, string[] inputs) = Files[option];
        foreach (string input in inputs)
        {
            foreach (string name in NamesOf(input))
            {
                // Formats that the ending tells refuse others by themselves.
                if (option == "embed --out" && !input.EndsWith(".csv", StringComparison.Ordinal) && !input.EndsWith(".npy", StringComparison.Ordinal) && !input.EndsWith(".safetensors", StringComparison.Ordinal))
                    continue;
                IReadOnlyDictionary<string, string> before = Contents();
                string message = Refusal(commandLine, name);
                Assert.Contains("would destroy", message);
                Assert.Contains(Path.GetFileName(name), message);
                Assert.Equal(before, Contents());
            }
        }
    }

    [Theory]
    [MemberData(nameof(FileOptions))]
    public void A_place_that_cannot_be_written_is_found_before_the_work(string option)
    {
        File.WriteAllText(folder.Inside("run/checkpoints/step-000000000.safetensors"), "no model"); // the work would fail otherwise
        Directory.CreateDirectory(folder.Inside("folder.npy"));
        foreach (string name in (string[])["missing/x.npy", "folder.npy", "task.csv/x.npy", "/sys/x.npy"])
        {
            IReadOnlyDictionary<string, string> before = Contents();
            Assert.Contains($"cannot write {(name.StartsWith('/') ? name : folder.Inside(name))}", Refusal(Files[option].CommandLine, name));
            Assert.Equal(before, Contents());
        }
    }

    [Theory]
    [MemberData(nameof(FolderOptions))]
    public void A_folder_that_holds_other_things_keeps_them(string option)
    {
        Directory.CreateSymbolicLink(folder.Inside("linked"), "audio");
        string mine = Directory.CreateDirectory(folder.Inside("mine")).FullName;
        foreach (string name in (string[])["log.jsonl", "metrics.json", "report.html", "bad-files.csv", "events.out.tfevents.1", "notes.txt"])
        {
            IReadOnlyDictionary<string, string> before = Contents();
            foreach (string place in (string[])["audio", "linked", "/", "task.csv"])
                Refusal(Folders[option], place);
            Assert.Equal(before, Contents());

            File.WriteAllText(Path.Combine(mine, name), "mine");
            before = Contents();
            Assert.Contains("mine", Refusal(Folders[option], "mine"));
            Assert.Equal(before, Contents());
            File.Delete(Path.Combine(mine, name));
        }
    }

    [Theory]
    [InlineData("x.npy", "x.index.csv")]
    [InlineData("x.safetensors", "x.index.csv")]
    [InlineData("x.csv", "x.bad-files.csv")]
    public void What_embed_writes_beside_its_output_is_no_input_either(string output, string beside)
    {
        File.Copy(folder.Inside("list.csv"), folder.Inside(beside));
        string message = Refusal($"embed run {beside} --out {{0}}", output);
        Assert.Contains(beside, message);
        Assert.Equal(File.ReadAllText(folder.Inside("list.csv")), File.ReadAllText(folder.Inside(beside)));
    }

    [Theory]
    [InlineData("tables", "tables"), InlineData("tables", "./tables"), InlineData("study/rows.jsonl", "tables"), InlineData("tables", "study/report.html")]
    public void No_two_outputs_of_a_study_are_one_file(string markdown, string latex) =>
        Assert.Contains("2 times", Refusal("study study.yaml --out new-study --latex {1} --markdown {0}", markdown, latex));

    [Fact]
    public void The_programs_own_output_takes_a_file_and_nothing_else()
    {
        AppResult result = AppProcess.Run("logmel", folder.Inside("audio/a.wav"), "--out", "/dev/stdout");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("NUMPY", result.Output);
        Assert.DoesNotContain("bands x", result.Output);
        Assert.Contains("80 bands x", result.Error);
    }

    [Fact]
    public void A_name_that_a_terminal_would_obey_is_shown_as_text()
    {
        const string Strange = "a\u001b[31m[red]\u202egnp\n\u009bPASS.wav";
        string broken = folder.Inside(Strange), good = folder.Inside("audio/" + Strange);
        File.WriteAllText(broken, "no audio");
        File.Copy(folder.Inside("audio/a.wav"), good);
        string model = UntrainedCheckpoint.Write(folder.Inside("[bold]\u001b[5m\nmodel.safetensors"));
        File.WriteAllLines(folder.Inside("\u001b[7m[x].csv"), ["file_name,label,split", "audio/a.wav,x,train", "audio/b.wav,y,train", "audio/a.wav,x,test"]);
        foreach (string[] arguments in (string[][])
        [
            ["logmel", good, "--out", folder.Inside("\u001b[1mx.npy")],
            ["logmel", broken, "--out", folder.Inside("x.npy")],
            ["masks", good, broken, "--out", folder.Inside("x.html")],
            ["embed", model, folder.Path + "/audio", "--out", folder.Inside("x.csv")],
            ["export", model, "--format", "safetensors", "--out", folder.Inside("y\n.safetensors")],
        ])
        {
            AppResult result = AppProcess.Run(arguments);
            Assert.DoesNotMatch("[\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2028]", result.Output + result.Error);
            Assert.DoesNotContain("\nPASS", result.Output + result.Error);
            Assert.DoesNotContain("\nmodel", result.Output + result.Error);
            Assert.DoesNotContain("Unhandled", result.Error);
            Assert.True(result.ExitCode is 0 or 2, result.Error);
        }
        Assert.Contains("[red]", File.ReadAllText(folder.Inside("x.html"))); // as text of the page
        Assert.Contains(Strange, File.ReadAllText(folder.Inside("x.csv"))); // a table says what the file is called
    }

    /// <summary>The names by which a file can be named: its own, another spelling, a link, a hard link.</summary>
    private IEnumerable<string> NamesOf(string input)
    {
        yield return input;
        yield return $"./audio/../{input}";
        string extension = Path.GetExtension(input), link = "link" + extension, hard = "hard" + extension;
        File.Delete(folder.Inside(link));
        File.CreateSymbolicLink(folder.Inside(link), input);
        yield return link;
        File.Delete(folder.Inside(hard));
        using (Process ln = Process.Start("ln", [folder.Inside(input), folder.Inside(hard)]))
            ln.WaitForExit();
        yield return hard;
    }

    /// <summary>What a command line is refused with; names of files are those in the folder.</summary>
    private string Refusal(string commandLine, string output, string second = "")
    {
        string[] arguments = [.. commandLine.Split(' ').Select(word => word switch
        {
            "{0}" => output.StartsWith('/') ? output : Path.Join(folder.Path, output),
            "{1}" => Path.Join(folder.Path, second),
            "new-study" => folder.Inside("study"),
            _ when !word.StartsWith('-') && Path.Exists(folder.Inside(word)) => folder.Inside(word),
            _ => word,
        })];
        // A name of a data set is that of its folder.
        if (arguments is ["data", "import", ..])
            arguments[2] = "esc50";
        return Assert.Throws<UserErrorException>(() => CommandRunner.Run(CommandLine.Create(), arguments)).Message;
    }

    private Dictionary<string, string> Contents() => Directory.EnumerateFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories).ToDictionary(
        path => path, path => File.Exists(path) ? Convert.ToBase64String(File.ReadAllBytes(path)) : "folder");

    private static IEnumerable<(string Name, Option Option)> Options(Command command, string path) =>
    [
        .. command.Options.Select(option => ($"{path} {option.Name}".Trim(), option)),
        .. command.Subcommands.SelectMany(verb => Options(verb, $"{path} {verb.Name}".Trim())),
    ];

    private static bool NamesAPlace(Option option) => option.Name is "--out" || option.HelpName is { } help && Place().IsMatch(help);

    [GeneratedRegex(@"FILE|DIR|PATH|RUN|CACHE|\.(csv|json|npy|html|yaml|onnx|safetensors)")]
    private static partial Regex Place();
}
