using System.CommandLine;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using OtoMask.App;
using OtoMask.Torch;
using AppCommandLine = OtoMask.App.CommandLine;

namespace OtoMask.Tests.App;

/// <summary>The library speaks of its own names, and the program says options and verbs in their place.</summary>
public sealed class WordingTests
{
    private static readonly Command[] Verbs = [.. AllOf(AppCommandLine.Create()).Skip(1)];
    private static readonly HashSet<string> Options = [.. Verbs.SelectMany(verb => verb.Options, (_, option) => option.Name)];

    [Theory]
    [InlineData(typeof(Encoder))]
    [InlineData(typeof(Tensor))]
    public void No_text_of_a_library_speaks_of_the_command_line(Type inLibrary)
    {
        Regex verb = new($"\\b(otomask )?({string.Join('|', Verbs.Select(verb => verb.Name))}) --[a-z]|\\botomask ({string.Join('|', Verbs.Select(verb => verb.Name))})\\b|command line");
        bool Speaks(string text) => verb.IsMatch(text) || Regex.Matches(text, "--[a-z][a-z-]*").Any(option => Options.Contains(option.Value));

        Assert.Equal([], TextsOf(inLibrary).Where(Speaks));
        Assert.All((string[])["choose another --out", "give --input 80x608", "run otomask prepare again", "as `pretrain --config` takes them"], text => Assert.True(Speaks(text), text));
    }

    /// <summary>A name that no verb can say is a slip.</summary>
    [Fact]
    public void Every_name_that_the_library_quotes_is_one_of_the_command_line()
    {
        string[] quoted = [.. TextsOf(typeof(Encoder)).SelectMany(text => Wording.Quoted().Matches(text)).Select(name => name.Groups[1].Value).Distinct()];
        Assert.Contains("base-lr", quoted);
        Assert.Equal([], quoted.Where(name => Wording.Named(name) is ['-', ..] option && !Options.Contains(option)));
    }

    /// <summary>Whoever uses the library finds what it speaks of.</summary>
    [Fact]
    public void Types_that_the_library_quotes_are_public()
    {
        string[] quoted = [.. TextsOf(typeof(Encoder)).SelectMany(text => Wording.Quoted().Matches(text)).Select(name => name.Groups[1].Value.Split('.')[0])];
        Type[] types = [.. typeof(Encoder).Assembly.GetTypes().Where(type => quoted.Contains(type.Name))];
        Assert.Contains(types, type => type.Name == "FineTuner");
        Assert.All(types, type => Assert.True(type.IsPublic, type.FullName));
    }

    [Theory]
    [InlineData("pretrain", "Try a smaller `base-lr` or `precision` fp32", "Try a smaller --base-lr or --precision fp32")]
    [InlineData("study", "runs holds a run; choose another `folder`, or a smaller `batch`", "runs holds a run; choose another --out, or a smaller `batch`")]
    [InlineData("import", "give `Input` 80x96 and `DecoderHeads` (for `PretrainingConfig.From`: to `ModelImport` first)", "give --input 80x96 and --decoder-heads (for otomask pretrain --from: to `otomask import` first)")]
    [InlineData("embed", "write one `key: value` a line", "write one `key: value` a line")]
    public void The_program_says_options_and_verbs_for_names(string verb, string told, string said) =>
        Assert.Equal(said, Wording.Of(told, AppCommandLine.Create().Subcommands.First(known => known.Name == verb)));

    /// <summary>Whatever verb runs out of memory, it names no option that it has not.</summary>
    [Fact]
    public void What_takes_less_memory_is_an_option_of_the_verb_at_hand()
    {
        foreach (Command verb in Verbs)
        {
            string said = Wording.ToTakeLessMemoryIn(verb);
            Assert.All(Regex.Matches(said, "--[a-z-]+"), option => Assert.Contains(option.Value, verb.Options.Select(known => known.Name)));
            Assert.Equal(verb.Options.Any(option => option.Name == "--batch"), said.Contains("--batch", StringComparison.Ordinal));
        }
        Assert.Equal("try fewer --workers", Wording.ToTakeLessMemoryIn(Verbs.First(verb => verb.Name == "prepare")));
    }

    [Fact]
    public void A_refusal_names_the_options_of_the_verb_at_hand()
    {
        using var folder = new AppFolder();
        string run = folder.Inside("run"), audio = folder.Audio(clips: 2);
        Directory.CreateDirectory(run);
        File.WriteAllText(folder.Inside("run/notes.txt"), "mine");
        AppProcess.Run(["pretrain", "--data", audio, "--out", run, .. AppFolder.TinyRun]).AssertUserError($"{run} is not empty, and a run begins in a folder of its own; choose another --out");
        AppProcess.Run("embed", run, audio, "--out", folder.Inside("x.txt")).AssertUserError("--out");
        AppProcess.Run("pretrain", "--out", folder.Inside("new")).AssertUserError("no data: name a folder or CSV as --data");
        AppProcess.Run("embed", run, audio, "--out", folder.Inside("x.npy"), "--device", "cuda:99").AssertUserError("--device cuda:99: this machine");
        AppProcess.Run("predict", run, audio).AssertUserError("give a folder that `otomask finetune --out` wrote");
    }

    private static IEnumerable<Command> AllOf(Command command) => [command, .. command.Subcommands.SelectMany(AllOf)];

    /// <summary>Every text in the code of an assembly, of interpolated ones the parts between the holes.</summary>
    private static List<string> TextsOf(Type type)
    {
        using var file = new PEReader(File.OpenRead(type.Assembly.Location));
        MetadataReader reader = file.GetMetadataReader();
        List<string> texts = [];
        for (UserStringHandle text = MetadataTokens.UserStringHandle(1); !text.IsNil; text = reader.GetNextHandle(text))
            texts.Add(reader.GetUserString(text));
        return texts;
    }
}
